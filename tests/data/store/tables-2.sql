ALTER TABLE readings ADD COLUMN context TEXT;
