-- The event table is the truth. Every other table can be rebuilt from it (invariant I9).

CREATE TABLE migration(
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL CHECK(length(checksum) = 64),
  at_us INTEGER NOT NULL
) STRICT;

-- No UNIQUE on hash: a chain cannot repeat one, and an index over random bytes would double the cost of an append.
CREATE TABLE event(
  run TEXT NOT NULL,
  seq INTEGER NOT NULL CHECK(seq > 0),
  at_us INTEGER NOT NULL CHECK(at_us >= 0),
  -- The first comparison spares nearly every row the list, which costs as much as the rest of the insert.
  kind TEXT NOT NULL CHECK(kind = 'act' OR kind IN (
    'ask', 'open', 'claim', 'release', 'answer', 'refuse', 'volunteer', 'apply', 'expire', 'withdraw',
    'halt', 'resume', 'outcome', 'checkpoint', 'alarm', 'close')),
  actor TEXT NOT NULL,
  body TEXT NOT NULL CHECK(json_valid(body)),
  prev BLOB NOT NULL CHECK(length(prev) = 32),
  hash BLOB NOT NULL CHECK(length(hash) = 32),
  PRIMARY KEY(run, seq)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'events are append-only: an event is never changed'); END;

CREATE TRIGGER event_is_never_removed BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'events are append-only: an event is never removed'); END;

-- Acts are nearly all of a run and are only ever read in order: they pay for no index.
CREATE INDEX event_by_kind ON event(run, kind, seq) WHERE kind <> 'act';

CREATE TABLE run(
  id TEXT PRIMARY KEY,
  opened_us INTEGER NOT NULL,
  closed_us INTEGER,
  fence INTEGER NOT NULL DEFAULT 1  -- grows with every session that takes the run over; no fact of the run, so no event has it
) STRICT, WITHOUT ROWID;

CREATE TABLE question(
  id TEXT PRIMARY KEY,
  run TEXT NOT NULL REFERENCES run(id),
  step INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  digest BLOB NOT NULL CHECK(length(digest) = 32),
  options INTEGER NOT NULL CHECK(options > 0),
  null_action INTEGER,
  state TEXT NOT NULL CHECK(state IN ('open', 'claimed', 'answered', 'expired', 'withdrawn')),
  deadline_us INTEGER,
  lease_actor TEXT,
  lease_until_us INTEGER,
  lease_fence INTEGER NOT NULL DEFAULT 0,
  UNIQUE(run, step, attempt)
) STRICT, WITHOUT ROWID;

CREATE INDEX question_waiting ON question(run, step, attempt) WHERE state IN ('open', 'claimed');

CREATE TABLE answer(
  question TEXT PRIMARY KEY REFERENCES question(id),
  idem TEXT NOT NULL UNIQUE,
  actor TEXT NOT NULL,
  choice INTEGER NOT NULL,
  digest BLOB NOT NULL CHECK(length(digest) = 32),
  at_us INTEGER NOT NULL,
  seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the learner has taken in: answers and volunteered corrections alike, each once.
CREATE TABLE applied(
  run TEXT NOT NULL REFERENCES run(id),
  seq INTEGER NOT NULL,
  cause INTEGER NOT NULL,
  PRIMARY KEY(run, seq),
  UNIQUE(run, cause)
) STRICT, WITHOUT ROWID;

CREATE TABLE halt(
  run TEXT PRIMARY KEY REFERENCES run(id),
  seq INTEGER NOT NULL,
  actor TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
