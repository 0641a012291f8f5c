/* The life of runs and of their files, from several nodes at once: at most one run active, one a cycle, no publishing by
 * a stale token, no change to what has ended, nothing of what was erased, a file for each pointer; and every run ends.
 *
 * What is atomic here is atomic in the code: a transaction (src/ledger), one rename, one unlink. Between any two steps
 * of anybody, anybody else may do anything: so everybody is paused at every step, for as long as it takes, and a worker
 * goes on with the token that it had. README.md says what stands for what, and what is left out.
 *
 * Each -D of the guards below takes one away. script/spec shows that the model then fails, or that another guard holds.
 */

#ifndef SERVERS
#define SERVERS 2
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef RECORDINGS
#define RECORDINGS 1
#endif
#ifndef CYCLES
#define CYCLES 2 /* of one registration */
#endif

/* To show that every run ends, what can go wrong must end: crashes and stalls are counted, attempts and the deadline
 * are kept. To show that nothing bad happens they need no limit: a lease runs out and a deadline passes at any time. */
#ifdef LIVENESS
#ifndef CRASHES
#define CRASHES 1 /* of workers, in all */
#endif
#ifndef STALLS
#define STALLS 1 /* leases that run out under a worker that lives */
#endif
#define ATTEMPTS 2
#endif

/* Tokens are compared for equality only. A claim takes the least that nobody holds: as good as a greater one, and the
 * number of claims has no limit. More than these are never needed (asserted). */
#define TOKENS (WORKERS + 1)

/* a run's row */
#define ABSENT 0
#define QUEUED 1
#define RUNNING 2
#define COMPLETED 3
#define FAILED 4
#define CANCELLED 5
#define ACTIVE(status) ((status) == QUEUED || (status) == RUNNING)

/* a recording's state */
#define UNKNOWN 0 /* not registered, or erased */
#define REMOTE 1
#define FETCHING 2
#define READY 3
#define BROKEN 4 /* failed, or gone: left by a Play that is allowed */

/* where a worker stands */
#define IDLE 0
#define FETCH 1   /* has a lease; the temporary file grows */
#define WHOLE 2   /* checked and synced, still temporary */
#define RENAMED 3 /* published, nothing points to it yet */
#define STALE 4   /* zero rows: somebody newer has the run, or nobody */
#define DOWN 5

typedef Row {
  unsigned status : 3;
  unsigned token : 3
#ifdef LIVENESS
  ; unsigned attempt : 2
#endif
};

typedef Recording {
  unsigned state : 3;
  unsigned cycle : 2;    /* of the newest run */
  unsigned at_cycle : 2; /* the pointer names a file by id, cycle and token; 0 is none */
  unsigned at_token : 3;
#ifdef LIVENESS
  bit overdue;           /* the newest run's deadline has passed */
#endif
  Row row[CYCLES]        /* row[c - 1]: the run of cycle c */
};

typedef Worker {
  unsigned at : 3;
  unsigned rec : 1;   /* the lease: whose run, of which cycle, with which token */
  unsigned cycle : 2;
  unsigned token : 3;
  bit gone;           /* the lease names a registration that was erased: its id fits no row, nor will */
  bit outrun          /* for the assertions alone: claimed again since, or another source, or erased */
};

typedef Server {
  unsigned at : 2;    /* 0, or 1 + the recording that its admission is looking at */
  unsigned cycle : 2; /* what it saw */
  bit gone            /* was erased since */
};

Recording recording[RECORDINGS];
Worker worker[WORKERS];
Server server[SERVERS];

/* Published files of the registration that there is, one bit a name. A file that nobody points to and nobody holds is
 * left out: nothing ever asks for it again. */
short file[RECORDINGS];
#ifdef NAME_WITHOUT_TOKEN
#define BIT(c, t) (1 << ((c - 1) * TOKENS))
#else
#define BIT(c, t) (1 << ((c - 1) * TOKENS + (t - 1)))
#endif

#ifdef LIVENESS
unsigned crashes : 2 = CRASHES;
unsigned stalls : 2 = STALLS;
#endif

hidden byte i;
hidden byte fresh;
hidden byte used;
hidden short names;

#define REC recording[r]
#define RUN recording[r].row[recording[r].cycle - 1]
#define ME worker[me]
#define STATUS(n) (recording[n].cycle == 0 -> ABSENT : recording[n].row[recording[n].cycle - 1].status)
#define TOKEN(n) (recording[n].cycle == 0 -> 0 : recording[n].row[recording[n].cycle - 1].token)

/* Transactions that touch a recording wait for the one that has locked it. */
#ifdef NO_LOCK
#define OPEN(n) true
#else
#define LOOKS(s, n) (s < SERVERS && server[s % SERVERS].at == n + 1)
#define OPEN(n) (!(LOOKS(0, n) || LOOKS(1, n) || LOOKS(2, n)))
#endif

/* Does worker w hold a lease on the run of cycle c with token t? */
#define HOLDS(w, r, c, t)                                                                                          \
  (worker[w].at >= FETCH && worker[w].at <= STALE && worker[w].rec == r && !worker[w].gone &&                      \
   worker[w].cycle == c && worker[w].token == t)

/* WHERE id = ? AND status = 'running' AND token = ? */
#define MY_REC recording[ME.rec]
#define MY_ROW recording[ME.rec].row[ME.cycle - 1]
#ifdef NO_TOKEN_CHECK
#define TOKEN_FITS true
#else
#define TOKEN_FITS (MY_ROW.token == ME.token)
#endif
#ifdef NO_STATUS_CHECK
#define STATUS_FITS (MY_ROW.status != ABSENT)
#else
#define STATUS_FITS (MY_ROW.status == RUNNING)
#endif
#define LEASE_HOLDS (!ME.gone && STATUS_FITS && TOKEN_FITS)
#ifdef SETBACK_WITHOUT_TOKEN
#define SETS_BACK (!ME.gone && STATUS_FITS)
#else
#define SETS_BACK LEASE_HOLDS
#endif

/* What `onetake verify` asks of one recording, after every transaction, rename and unlink. */
inline consistent(r) {
  assert((REC.state == READY) == (REC.at_cycle != 0));
  assert(REC.at_cycle == 0 || (file[r] & BIT(REC.at_cycle, REC.at_token)) != 0);
  assert((REC.state == FETCHING) == ACTIVE(STATUS(r)));
  i = 1;
  do
  :: i <= CYCLES -> assert(i == REC.cycle || !ACTIVE(REC.row[i - 1].status)); i++ /* one active: the newest */
  :: else -> break
  od;
  forget_files(r)
}

inline forget_files(r) {
  names = (REC.at_cycle == 0 -> 0 : BIT(REC.at_cycle, REC.at_token));
  i = 0;
  do
  :: i < WORKERS ->
     names = names | ((worker[i].at == RENAMED || worker[i].at == STALE) && worker[i].rec == r && !worker[i].gone ->
                      BIT(worker[i].cycle, worker[i].token) : 0);
     i++
  :: else -> break
  od;
  file[r] = file[r] & names;
  names = 0;
  i = 0
}

/* The only way in which a status changes: what has ended stays as it was. */
#ifdef LIVENESS
#define attempts_over(run) run.attempt = 0
#else
#define attempts_over(run) skip
#endif
#ifdef NO_STATUS_CHECK
#define token_over(run) skip
#else
#define token_over(run) run.token = 0 /* nothing looks at it any more: fewer states */
#endif
#define becomes(run, to)                                                                                           \
  assert(ACTIVE(run.status));                                                                                      \
  run.status = to
#define ends(run, to)                                                                                              \
  becomes(run, to);                                                                                                \
  attempts_over(run);                                                                                              \
  token_over(run)

/* token = token + 1, and worker w has the newest run of r from now on; whoever had it before is outrun. */
#ifdef TOKEN_STAYS
#define TAKEN(r, t) false
#else
#define TAKEN(r, t) (RUN.token == t)
#endif
inline hand_over(r, w) {
  fresh = 0;
  do
  :: fresh++;
     used = RUN.token != 0 && TAKEN(r, fresh);
#ifndef TOKEN_STAYS
     i = 0;
     do
     :: i < WORKERS -> used = used || (RUN.token != 0 && HOLDS(i, r, REC.cycle, fresh)); i++
     :: else -> break
     od;
#endif
     if
     :: !used -> break
     :: else
     fi
  od;
  assert(fresh <= TOKENS);
  overtake(r);
  RUN.token = fresh;
  worker[w].at = FETCH;
  worker[w].rec = r;
  worker[w].cycle = REC.cycle;
  worker[w].token = fresh;
  worker[w].gone = 0;
  worker[w].outrun = 0;
#ifdef LIVENESS
  RUN.attempt = RUN.attempt + 1;
#endif
  fresh = 0;
  used = 0
}

inline overtake(r) {
  i = 0;
  do
  :: i < WORKERS ->
     worker[i].outrun = (worker[i].at >= FETCH && worker[i].at <= STALE && worker[i].rec == r -> 1 : worker[i].outrun);
     i++
  :: else -> break
  od;
  i = 0
}

inline drop_lease(to) {
  ME.at = to;
  ME.rec = 0;
  ME.cycle = 0;
  ME.token = 0;
  ME.gone = 0;
  ME.outrun = 0
}

/* ---- A server: what people and operators ask for ------------------------------------------------------------------ */

#define COLD(n) (recording[n].state == REMOTE || recording[n].state == BROKEN)

/* UNIQUE (tenant, recording, cycle), UNIQUE (tenant, recording) WHERE active; a refused insert is rolled back. */
#ifdef NO_CYCLE_INDEX
#define CYCLE_IS_FREE(c) true
#else
#define CYCLE_IS_FREE(c) (REC.row[c - 1].status == ABSENT)
#endif
#ifdef NO_ACTIVE_INDEX
#define NONE_ACTIVE true
#else
#define NONE_ACTIVE (!ACTIVE(STATUS(r)))
#endif
#define IS_ADMITTED (!server[me].gone && CYCLE_IS_FREE(server[me].cycle) && NONE_ACTIVE)

#ifdef NO_LOCK
#define MAY_BE_REFUSED skip
#else
#define MAY_BE_REFUSED assert(false) /* under the lock no index has to */
#endif
#ifdef LIVENESS
#define due_again(r) REC.overdue = 0
#else
#define due_again(r) skip
#endif

/* Ledger::play. It looks, under the lock; then it writes and commits, or crashes and is rolled back. */
inline admit(r, claims) {
  if
  :: IS_ADMITTED ->
     assert(REC.row[server[me].cycle - 1].status == ABSENT); /* one run a cycle */
     assert(!ACTIVE(STATUS(r)));                             /* at most one active */
     assert(COLD(r));                                        /* and only where a fetch is right */
     REC.cycle = server[me].cycle;
     REC.state = FETCHING;
     RUN.status = QUEUED;
     due_again(r);
     if
     :: claims -> becomes(RUN, RUNNING); hand_over(r, me % WORKERS)
     :: else
     fi;
     consistent(r)
  :: else -> MAY_BE_REFUSED
  fi;
  forget_admission()
}

inline forget_admission() { server[me].at = 0; server[me].cycle = 0; server[me].gone = 0 }

#define PLAYS(n)                                                                                                   \
  :: d_step { server[me].at == 0 && OPEN(n) && COLD(n) && recording[n].cycle < CYCLES ->                           \
       server[me].at = n + 1; server[me].cycle = recording[n].cycle + 1 }                                          \
  :: d_step { server[me].at == n + 1 -> r = n; admit(r, false); r = 0 }                                            \
  :: d_step { server[me].at == n + 1 && me < WORKERS && worker[me % WORKERS].at == IDLE ->                         \
       r = n; admit(r, true); r = 0 } /* its own worker has a slot free */                                         \
  :: d_step { server[me].at == n + 1 -> forget_admission() }

inline cancel_active(r) {
  if
  :: ACTIVE(STATUS(r)) -> ends(RUN, CANCELLED)
  :: else
  fi
}

inline drop_pointer(r) { REC.at_cycle = 0; REC.at_token = 0 }

/* Recording and rows go; a new registration has a new id, which no lease names. */
inline erase(r) {
  drop_pointer(r);
  REC.state = UNKNOWN;
  REC.cycle = 0;
  due_again(r);
  overtake(r);
  i = 0;
  do
  :: i < CYCLES ->
     REC.row[i].status = ABSENT;
     REC.row[i].token = 0;
     attempts_over(REC.row[i]);
     i++
  :: else -> break
  od;
#ifndef REUSED_ID
  i = 0;
  do
  :: i < WORKERS ->
     if
     :: worker[i].at >= FETCH && worker[i].at <= STALE && worker[i].rec == r ->
        worker[i].gone = 1; worker[i].cycle = 0; worker[i].token = 0
     :: else
     fi;
     i++
  :: else -> break
  od;
#endif
  i = 0;
  do
  :: i < SERVERS ->
     server[i].gone = (server[i].at == r + 1 -> 1 : server[i].gone);
     i++
  :: else -> break
  od;
  i = 0
}

/* Eviction and quarantine: the pointer goes in a transaction, then the file. */
#ifdef FILE_BEFORE_POINTER
#define EVICTS(n)                                                                                                  \
  :: d_step { server[me].at == 0 && recording[n].state == READY ->                                                 \
       r = n; file[r] = file[r] & ~BIT(REC.at_cycle, REC.at_token); consistent(r); r = 0 }
#else
#define EVICTS(n)                                                                                                  \
  :: d_step { server[me].at == 0 && OPEN(n) && recording[n].state == READY ->                                      \
       r = n; drop_pointer(r); REC.state = REMOTE; consistent(r); r = 0 }
#endif

#define ASKED(n)                                                                                                   \
  PLAYS(n)                                                                                                         \
  EVICTS(n)                                                                                                        \
  :: d_step { server[me].at == 0 && OPEN(n) && recording[n].state == FETCHING -> /* cancel */                      \
       r = n; cancel_active(r); REC.state = REMOTE; consistent(r); r = 0 }                                         \
  :: d_step { server[me].at == 0 && OPEN(n) && recording[n].state != UNKNOWN -> /* put, another source */          \
       r = n; cancel_active(r); drop_pointer(r); REC.state = REMOTE; overtake(r); consistent(r); r = 0 }             \
  :: d_step { server[me].at == 0 && OPEN(n) && recording[n].state != UNKNOWN ->                                    \
       r = n; erase(r); consistent(r); r = 0 }                                                                     \
  :: d_step { server[me].at == 0 && recording[n].state == UNKNOWN -> recording[n].state = REMOTE } /* put */

active [SERVERS] proctype serve() {
  byte me = _pid;
  byte r = 0;
end:
  do
  ASKED(0)
#if RECORDINGS > 1
  ASKED(1)
#endif
#ifdef LIVENESS
  :: d_step { server[me].at == 0 -> r = 0 } /* nobody has to ask for anything */
#endif
  od
}

/* ---- A worker: run/worker.cpp ------------------------------------------------------------------------------------- */

/* Whoever writes about a run is the last who claimed it, for the source that the recording has now. */
#define newest_writes() assert(!ME.outrun)

/* Ledger::retry, or Ledger::fail where nothing is left. */
#ifdef LIVENESS
#ifdef NO_DEADLINE
#define IS_OVERDUE false
#else
#define IS_OVERDUE REC.overdue
#endif
#define NOTHING_LEFT(counts) (IS_OVERDUE || (counts && MY_ROW.attempt >= ATTEMPTS))
#define attempt_back(counts) MY_ROW.attempt = MY_ROW.attempt - (counts -> 0 : 1)
#else
#define NOTHING_LEFT(counts) false
#define attempt_back(counts) skip
#endif
inline set_back(again, counts) {
  r = ME.rec;
  if
  :: SETS_BACK ->
     newest_writes();
     if
     :: !again || NOTHING_LEFT(counts) -> ends(MY_ROW, FAILED); REC.state = BROKEN
     :: else -> becomes(MY_ROW, QUEUED); attempt_back(counts)
     fi;
     consistent(r)
  :: else /* zero rows */
  fi;
  drop_lease(IDLE);
  r = 0
}

/* Ledger::complete */
inline complete(answered) {
  r = ME.rec;
  if
  :: LEASE_HOLDS ->
     newest_writes();
     ends(MY_ROW, COMPLETED);
     REC.state = READY;
     REC.at_cycle = ME.cycle;
     REC.at_token = ME.token;
     consistent(r);
     if
     :: answered -> drop_lease(IDLE)
     :: else
     fi
  :: else -> ME.at = STALE
  fi;
  r = 0
}

inline rename() {
  file[ME.rec] = file[ME.rec] | (ME.gone -> 0 : BIT(ME.cycle, ME.token));
  ME.at = RENAMED
}

inline unlink() {
  r = ME.rec;
  file[r] = file[r] & (ME.gone -> -1 : ~BIT(ME.cycle, ME.token));
  drop_lease(IDLE);
  consistent(r);
  r = 0
}

#define CLAIMS(n)                                                                                                  \
  :: d_step { ME.at == IDLE && OPEN(n) && STATUS(n) == QUEUED ->                                                   \
       r = n; becomes(RUN, RUNNING); hand_over(r, me); consistent(r); r = 0 }

active [WORKERS] proctype work() {
  byte me = _pid - SERVERS;
  byte r = 0;
end:
  do
  CLAIMS(0)
#if RECORDINGS > 1
  CLAIMS(1)
#endif
  :: d_step { ME.at == FETCH && OPEN(ME.rec) -> set_back(true, true) } /* reset, stalled, 5xx … */
#ifdef LIVENESS
  :: d_step { ME.at == FETCH && OPEN(ME.rec) -> set_back(true, false) } /* not ready, throttled; the server stops */
#endif
  :: d_step { ME.at == FETCH && OPEN(ME.rec) -> set_back(false, true) } /* 401, 403, 410, not audio … */
  :: d_step { ME.at == FETCH && !LEASE_HOLDS -> drop_lease(IDLE) } /* a heartbeat of zero rows; cancelled */
  :: d_step { ME.at == FETCH -> ME.at = WHOLE }
#ifdef POINTER_BEFORE_RENAME
  :: d_step { ME.at == WHOLE && OPEN(ME.rec) -> complete(false); ME.at = (ME.at == STALE -> STALE : RENAMED) }
  :: d_step { ME.at == RENAMED -> rename(); drop_lease(IDLE) }
#else
  :: d_step { ME.at == WHOLE -> rename() }
  :: d_step { ME.at == RENAMED && OPEN(ME.rec) -> complete(true) }
#ifdef LOST_ANSWERS
  :: d_step { ME.at == RENAMED && OPEN(ME.rec) -> complete(false) } /* it is tried again */
#endif
#endif
  :: d_step { ME.at == STALE -> unlink() }
#ifdef LIVENESS
  :: d_step { ME.at != IDLE && ME.at != DOWN && crashes > 0 -> crashes--; drop_lease(DOWN) }
#else
  :: d_step { ME.at != IDLE && ME.at != DOWN -> r = ME.rec; drop_lease(DOWN); forget_files(r); r = 0 }
#endif
  :: d_step { ME.at == DOWN && me == 0 -> ME.at = IDLE } /* one worker lives: it comes back */
  od
}

/* The others come back, or do not. */
active proctype operate() {
#ifdef LIVENESS
  byte idle = 0;
#endif
end:
  do
#if WORKERS > 1
  :: d_step { worker[1].at == DOWN -> worker[1].at = IDLE }
#endif
#if WORKERS > 2
  :: d_step { worker[2].at == DOWN -> worker[2].at = IDLE }
#endif
#ifdef LIVENESS
  :: idle = 0
#else
  :: false
#endif
  od
}

/* ---- The sweep: leases that have run out, deadlines, files that nobody points to ----------------------------------- */

#if WORKERS > 2
#define HELD(n) (HOLDS(0, n, recording[n].cycle, TOKEN(n)) || HOLDS(1, n, recording[n].cycle, TOKEN(n)) ||         \
                 HOLDS(2, n, recording[n].cycle, TOKEN(n)))
#elif WORKERS > 1
#define HELD(n) (HOLDS(0, n, recording[n].cycle, TOKEN(n)) || HOLDS(1, n, recording[n].cycle, TOKEN(n)))
#else
#define HELD(n) HOLDS(0, n, recording[n].cycle, TOKEN(n))
#endif

inline rescue(r) {
  becomes(RUN, QUEUED);
#ifdef LIVENESS
  RUN.attempt = RUN.attempt - 1; /* it is not the provider's fault */
#endif
  consistent(r)
}

#ifdef NO_SWEEP
#define RESCUES(n)
#elif defined(LIVENESS)
#define RESCUES(n)                                                                                                 \
  :: d_step { OPEN(n) && STATUS(n) == RUNNING && !HELD(n) -> r = n; rescue(r); r = 0 }                             \
  :: d_step { OPEN(n) && STATUS(n) == RUNNING && HELD(n) && stalls > 0 -> stalls--; r = n; rescue(r); r = 0 }
#else
#define RESCUES(n) :: d_step { OPEN(n) && STATUS(n) == RUNNING -> r = n; rescue(r); r = 0 }
#endif

#ifdef NO_DEADLINE
#define DEADLINE(n)
#elif defined(LIVENESS)
#define DEADLINE(n)                                                                                                \
  :: d_step { OPEN(n) && STATUS(n) == QUEUED && recording[n].overdue ->                                            \
       r = n; ends(RUN, FAILED); REC.state = BROKEN; consistent(r); r = 0 }
#else
#define DEADLINE(n)                                                                                                \
  :: d_step { OPEN(n) && STATUS(n) == QUEUED ->                                                                    \
       r = n; ends(RUN, FAILED); REC.state = BROKEN; consistent(r); r = 0 }
#endif

/* A file may be removed if nothing points to it and its run no longer runs with its token: asked in one transaction.
 * Such files are left out above; without the second question, one that is about to be pointed to would go. */
#ifdef ORPHANS_BY_AGE
#define ORPHANS(n)                                                                                                 \
  :: d_step { OPEN(n) && file[n] != 0 && recording[n].at_cycle == 0 -> file[n] = 0 }
#else
#define ORPHANS(n)
#endif

#define SWEEPS(n) RESCUES(n) DEADLINE(n) ORPHANS(n)

/* One a recording, for a sweep looks at them all: what happens to one keeps it from no other. */
active [RECORDINGS] proctype sweep() {
  byte n = _pid - SERVERS - WORKERS - 1;
  byte r = 0;
end:
  do
  SWEEPS(n)
  :: false
  od
}

#ifdef LIVENESS
active [RECORDINGS] proctype time() {
  byte n = _pid - SERVERS - WORKERS - 1 - RECORDINGS;
end:
  do
  :: d_step { recording[n].state == FETCHING && !recording[n].overdue -> recording[n].overdue = 1 }
  od
}
#endif

/* Erasing and registering may go on for ever here; a run that was erased has ended, too. */
#ifdef LIVENESS
ltl every_run_ends { [] ((recording[0].state == FETCHING) -> <> (recording[0].state != FETCHING)) }
#endif
