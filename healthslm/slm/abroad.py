"""Words of an emergency in other languages than English, heard by rules: the plainest ones only.

Of chest pain, breath, stroke, unconsciousness, suicide and overdose, in eleven languages. In doubt it is one:
nothing is known here of the past or of figures of speech, and of what is denied only the plainest form.
Case and accents count neither in the patterns nor in what is written.
"""

from __future__ import annotations

import re

from healthslm.slm.letters import fold


def _near(one: str, other: str) -> str:
    gap = r"[^.?!।。？！]{0,40}?"
    return rf"(?:{one}){gap}(?:{other})|(?:{other}){gap}(?:{one})"


def _words(*patterns: str) -> str:
    """Any of these where a word begins; for the scripts that leave spaces between words."""
    return "|".join(rf"(?<!\w)(?:{p})" for p in patterns)


_ANY = (
    # German
    _words(
        r"herzinfarkt|herzanfall|herzstillstand|schlaganfall|brustschmerz|brustenge|atemnot|erstick"
        r"|notarzt|rettungswagen",
        _near(r"brust(?:korb|bein)?\b", r"schmerz|weh\b|druck|drückt|eng\b|enge\b|stich|stech|brenn"),
        r"(?:keine|kaum|kaum noch|schlecht|wenig) luft|kann (?:gar "
        r"|kaum )?(?:nicht )?(?:mehr )?(?:richtig )?(?:kaum )?atmen\b(?! gut)",
        _near(r"gesicht|mundwinkel|arm|bein|hälfte|seite", r"hängt|taub|gelähmt|lähmung|schief\b"),
        r"kann (?:plötzlich )?nicht (?:mehr )?(?:richtig )?(?:sprechen|reden)",
        r"bewusstlos|bewußtlos|ohnmächtig|nicht ansprechbar|reagiert nicht|wacht nicht (?:mehr )?auf"
        r"|atmet nicht",
        r"selbstmord|suizid|umbringen|nicht mehr leben|leben nehmen|(?:will|möchte) (?:nur noch )?sterben"
        r"|mir (?:et)?was antun",
        r"überdosis|überdosiert|zu viele (?:tabletten|pillen)|alle (?:meine )?tabletten|ganze packung"
        r"|vergift",
    ),
    # French
    _words(
        r"infarctus|crise cardiaque|arrêt cardiaque|avc\b|attaque cérébrale",
        _near(r"poitrine|thora", r"douleur|mal\b|serre|oppress|brûl|écras"),
        _near(r"respire", r"pas\b|plus\b|peine\b|mal\b|difficil"),
        r"étouffe|manque d'air|souffle coupé",
        _near(r"visage|bouche|bras|jambe", r"paralys|engourdi|tombant|déformé|tordu"),
        r"(?:peux|peut|arrive) (?:pas|plus) (?:à )?parler",
        r"inconscient|évanoui|perdu connaissance|sans connaissance|ne (?:se )?(?:réagit|répond"
        r"|réveille) (?:pas|plus)",
        r"me suicider|suicidaire|me tuer|en finir|veux (?:plus vivre|mourir)|envie de mourir",
        r"surdose|surdosage|overdose\b|empoisonn|trop de (?:comprimés|médicaments|cachets|pilules)"
        r"|tou(?:s|te|tes) (?:les|mes|la|ma) (?:comprimés|médicaments|cachets|pilules|boîte|plaquette)",
    ),
    # Spanish
    _words(
        r"infarto|ataque (?:al corazón|cardíaco)|paro cardíaco|ictus\b|derrame cerebral"
        r"|accidente cerebrovascular",
        _near(r"pecho", r"dolor|duele|opresi|aprieta|presión|punzad"),
        _near(r"respirar|respira\b", r"no puedo|no puede|cuesta|apenas|dificultad|no\b"),
        r"me ahogo|se ahoga|asfixi|falta (?:el )?aire",
        _near(r"cara|boca|brazo|pierna", r"paraliz|adormecid|dormid[oa]|torcid|caíd"),
        r"no (?:puedo|puede) hablar",
        r"inconsciente|desmay|perdi\w* el conocimiento|no (?:reacciona|responde|(?:se )?despierta)\b",
        r"suicidarme|suicidio|matarme|quitarme la vida|quiero morir|no quiero (?:seguir )?vivi",
        r"sobredosis|envenen|(?:todas|demasiadas) (?:las |mis )?(?:pastillas|píldoras)|frasco entero",
    ),
    # Italian
    _words(
        r"infarto|attacco (?:di cuore|cardiaco)|arresto cardiaco|ictus\b",
        _near(r"petto|torace", r"dolor|male\b|stretta|oppress|peso\b|brucia"),
        _near(r"respir", r"non (?:riesco|riesce)|fatica|stento|difficoltà"),
        r"soffoc|manca (?:il respiro|l'aria|il fiato)",
        _near(r"faccia|viso|bocca|braccio|gamba", r"paralizz|intorpidi|stort|addormentat"),
        r"non (?:riesco|riesce) (?:più )?a parlare",
        r"svenut|privo di sensi|priva di sensi|incoscient|perso (?:i sensi|conoscenza)|non (?:risponde"
        r"|reagisce|si sveglia)\b",
        r"suicidarmi|suicidio|uccidermi|ammazzarmi|farla finita|togliermi la vita|voglio morire"
        r"|non voglio (?:più )?vivere",
        r"overdose\b|sovradosaggio|avvelena|(?:tutte|troppe) (?:le )?(?:mie )?(?:pillole|pastiglie"
        r"|compresse)",
    ),
    # Portuguese
    _words(
        r"enfarte|infarto|ataque cardíaco|parada cardíaca|derrame|avc\b",
        _near(r"peito|tórax", r"dor\b|dores|dói|doendo|aperto|apertad|pressão|queima"),
        _near(r"respirar|respira\b", r"não (?:consigo|consegue|posso)|dificuldade|mal consigo|custa|não\b"),
        r"falta de ar|sufoc|asfixi",
        _near(r"rosto|cara|boca|braço|perna", r"paralis|dormente|tort[oa]|caíd"),
        r"não (?:consigo|consegue) falar",
        r"desmai|inconsciente|perdeu (?:a consciência|os sentidos)|não (?:responde|reage|acorda)\b",
        r"suicidar|suicídio|me matar|matar-me|quero morrer|tirar a (?:minha )?vida|não quero (?:mais )?viver",
        r"overdose\b|superdos|sobredos|envenen|(?:todos|demasiados"
        r"|muitos) (?:os )?(?:meus )?(?:comprimidos|remédios)",
    ),
    # Polish
    _words(
        r"zawał|udar|zatrzymanie krążenia|karetk",
        _near(r"klat[kc]\w*|piersi\w*|mostk\w*|serc\w*", r"ból|boli|bólu|ucisk|piecze|gniecie|ściska"),
        _near(r"oddych\w+|oddechu", r"nie (?:mogę|może|mogę)|trudno|ledwo|ciężko|brak"),
        r"duszę się|dusi się|duszno|brak\w* (?:mi )?(?:tchu|powietrza)",
        _near(r"twarz\w*|usta|ręka|rękę|ramię|noga|nogę|kącik", r"drętw|zdrętw|opad|paraliż|sparaliż"
              r"|wykrzyw|niewład"),
        r"nie (?:mogę|może) mówić",
        r"nieprzytomn|zemdla|strac\w* przytomność|nie reaguje|nie oddycha|nie budzi się",
        r"samobój|zabić się|się zabić|odebrać sobie życie|nie chcę (?:już )?żyć|chcę umrzeć",
        r"przedawkow|zatru[łćc]|(?:wszystkie|za dużo|całe opakowanie) (?:moje )?(?:tablet|lek)",
    ),
    # Dutch
    _words(
        r"hartaanval|hartinfarct|hartstilstand|beroerte|herseninfarct|hersenbloeding",
        _near(r"borst(?:kas|been)?\b", r"pijn|druk\b|drukkend|beklem|steek|steken"),
        r"(?:krijg\w*|heb) (?:bijna )?geen (?:adem|lucht)|kan (?:bijna |bijna niet |niet |nauwelijks "
        r"|amper )(?:meer )?(?:goed )?ademen",
        r"benauwd|ademnood|kortademig|stik\b|stikken\b",
        _near(r"gezicht|mond|arm|been|mondhoek", r"verlamd|scheef|hangt|gevoelloos"),
        r"kan (?:ineens )?niet (?:meer )?(?:praten|spreken)",
        r"bewusteloos|flauwgevallen|reageert niet|wordt niet wakker|ademt niet",
        r"zelfmoord|zelfdoding|suïcide plegen|niet meer leven|wil dood\b|einde aan mijn leven",
        r"overdosis|vergiftig|(?:alle|te veel) (?:mijn )?(?:pillen|tabletten|medicijnen)",
    ),
    # Turkish
    _words(
        r"kalp krizi|kalbi durdu|inme (?:geç|indi)|felç|beyin kanama",
        _near(r"göğs\w*|göğüs\w*", r"ağrı|sancı|baskı|sıkış|acıyor|yanıyor"),
        r"nefes (?:alam|almakta|darlığı)|nefesim (?:kesil|yetm)|boğulu",
        _near(r"yüz\w*|ağz\w*|ağız|kol\w*|bacağ\w*", r"uyuş|kaydı|tutmuyor"),
        r"konuşam",
        r"bilinci (?:kapalı|yok)|bilincini|bayıl|baygın|tepki vermiyor|uyanmıyor",
        r"intihar|kendimi öldür|ölmek istiyorum|yaşamak istemiyorum",
        r"aşırı doz|doz aşımı|zehirlen|(?:bütün|tüm|çok fazla) (?:hap|ilaç)",
    ),
    # Hindi
    "|".join((
        _near(r"सीने|सीना|छाती", r"दर्द|जकड़|दबाव|जलन|भारी"),
        r"दिल का दौरा|हार्ट अटैक|लकवा|पक्षाघात|स्ट्रोक",
        r"(?:सांस|साँस|श्वास) (?:नहीं|लेने में|फूल|रुक)|दम घुट",
        _near(r"चेहरा|चेहरे|मुंह|मुँह|हाथ|बांह", r"सुन्न|टेढ़|लटक"),
        r"बेहोश|होश में नहीं|होश नहीं|बोल नहीं पा",
        r"आत्महत्या|खुदकुशी|मरना चाहत|जीना नहीं चाह|अपनी जान (?:दे|ले)",
        r"ओवरडोज़?|(?:सारी|बहुत सारी|ज़्यादा|ज्यादा) (?:गोलि|दवा)|ज़हर|जहर",
    )),
    # Chinese
    "|".join((
        r"胸(?:口|部|前)?.{0,6}?(?:痛|疼|闷|悶|压|壓|紧|緊)|(?:痛|疼).{0,3}?胸|心绞痛|心絞痛|心口.{0,2}?(?:痛|疼)",
        r"心脏病发|心臟病發|心梗|心肌梗|心脏骤停|中风|中風|脑梗|腦梗|脑溢血|脑出血|卒中",
        r"[喘透]不[过過上][气氣来]|上不来气|呼吸困[难難]|(?:不能|无法|無法|没法|沒法|不了)呼吸|呼吸不了|窒息",
        r"[嘴脸臉].{0,3}?歪|半身.{0,4}?(?:麻|不能动|瘫)|[说說]不出[话話]",
        r"昏迷|昏倒|昏过去|[晕暈]倒|[晕暈]过去|不省人事|失去(?:意识|意識|知觉)|叫不醒|[没沒]有?反[应應]|[没沒]有?呼吸",
        r"自[杀殺]|不想活|想死|[轻輕]生|[结結]束.{0,4}?生命|活不下去",
        r"[药藥]物?[过過]量|整瓶[药藥]|一整瓶|[吃服]了?(?:太多|所有|全部).{0,3}?[药藥]|中毒|服毒",
    )),
    # Arabic
    "|".join((
        _near(r"\b(?:ال|ب|في |بال)?صدر(?:ي|ه|ها)?\b", r"\b(?:و?ا?ل?)(?:ألم|آلام|وجع|ضغط|ضيق|ثقل|حرقة)"
              r"|يؤلم|يوجع"),
        r"(?:أزمة|نوبة|سكتة) قلبية|سكتة|جلطة|شلل",
        _near(r"تنفس", r"\bلا\b|لا (?:أ|ي)ستطيع|صعوبة|ضيق|مش قادر|ما أقدر"),
        r"أختنق|يختنق|اختناق",
        r"فاقد الوعي|فقد\w* الوعي|مغمى عليه|أغمي عليه|غائب عن الوعي|لا يستجيب",
        r"انتحار|انتحر|أنتحر|أقتل نفسي|قتل نفسي|أريد (?:أن )?(?:أموت|الموت)|لا أريد (?:أن )?(?:أعيش|العيش"
        r"|الحياة)",
        r"جرعة زائدة|كل الحبوب|حبوب كثيرة|تسمم",
    )),
)  # fmt: skip
_DENIED = re.compile(
    fold(
        r"(?<!\w)(?:keine?n?|pas de|sans|sin|no tengo|nessun|senza|non ho|sem|não tenho|bez|nie mam|geen)"
        r" (?:\w+ ){0,2}?(?:brust\w*|schmerz\w*|atemnot|douleurs?|dolor\w*|dor(?:es)?|bólu|duszności|pijn)\b"
        r"(?: (?:in der|im|dans la|à la|en el|de|al|no|w|op de) \w+)?"
    )
)
_HEARD = re.compile("|".join(fold(pattern) for pattern in _ANY))


def is_emergency_abroad(text: str) -> bool:
    """Say whether plain words of an emergency in another language than English stand in a text."""
    return bool(_HEARD.search(_DENIED.sub(" ", fold(text))))
