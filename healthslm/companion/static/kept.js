// What this phone keeps (IndexedDB): its key and who it is, the last state that it was told, notes to be sent.

const NAME = "healthslm";
const VERSION = 1;
let opening;

function open() {
  opening ||= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, VERSION);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("kept");
      asked.result.createObjectStore("outbox", { autoIncrement: true });
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  return opening;
}

async function within(store, mode, work) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(store, mode);
    const asked = work(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(asked?.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

export const get = (name) => within("kept", "readonly", (store) => store.get(name));
export const put = (name, value) => within("kept", "readwrite", (store) => store.put(value, name));

export const add = (note) => within("outbox", "readwrite", (store) => store.add(note));
export const drop = (id) => within("outbox", "readwrite", (store) => store.delete(id));

/** The notes that wait, oldest first, each with its `id`. */
export async function waiting() {
  const found = [];
  await within("outbox", "readonly", (store) => {
    store.openCursor().onsuccess = ({ target }) => {
      const cursor = target.result;
      if (!cursor) return;
      found.push({ ...cursor.value, id: cursor.primaryKey });
      cursor.continue();
    };
  });
  return found;
}

/** Forgets all: nobody who finds this phone learns what it was told. */
export async function forget() {
  await within("kept", "readwrite", (store) => store.clear());
  await within("outbox", "readwrite", (store) => store.clear());
}
