-- A veto, an act that somebody saw and did not let happen, is a kind of event of its own. SQLite cannot change a CHECK: the table is made anew.

DROP TRIGGER event_is_never_changed;
DROP TRIGGER event_is_never_removed;
DROP INDEX event_by_kind;
ALTER TABLE event RENAME TO event_without_vetoes;

CREATE TABLE event(
  run TEXT NOT NULL,
  seq INTEGER NOT NULL CHECK(seq > 0),
  at_us INTEGER NOT NULL CHECK(at_us >= 0),
  -- The first comparison spares nearly every row the list, which costs as much as the rest of the insert.
  kind TEXT NOT NULL CHECK(kind = 'act' OR kind IN (
    'ask', 'open', 'request', 'claim', 'release', 'answer', 'refuse', 'volunteer', 'veto', 'apply', 'expire', 'withdraw',
    'halt', 'resume', 'outcome', 'checkpoint', 'alarm', 'close')),
  actor TEXT NOT NULL,
  body TEXT NOT NULL CHECK(json_valid(body)),
  prev BLOB NOT NULL CHECK(length(prev) = 32),
  hash BLOB NOT NULL CHECK(length(hash) = 32),
  PRIMARY KEY(run, seq)
) STRICT, WITHOUT ROWID;

INSERT INTO event SELECT run, seq, at_us, kind, actor, body, prev, hash FROM event_without_vetoes;
DROP TABLE event_without_vetoes;

CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'events are append-only: an event is never changed'); END;

CREATE TRIGGER event_is_never_removed BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'events are append-only: an event is never removed'); END;

-- Acts are nearly all of a run and are only ever read in order: they pay for no index.
CREATE INDEX event_by_kind ON event(run, kind, seq) WHERE kind <> 'act';
