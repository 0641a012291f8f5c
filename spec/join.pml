/* Who presses Play holds on to a flight, and a flight ends when its run does: within one process, where a press joins
 * what is under way without asking the database, the database may be ahead of what is listed here.
 *
 * One recording, one key. Everything between two steps of a coroutine that may suspend, or of a mutex that is let go,
 * may happen: run/join.cpp, run/flights.cpp, run/worker.cpp. Runs of the database are counted, their tokens are who
 * claimed last.
 *
 *   NO_SECOND_LOOK   who has opened a flight for a run that it saw does not ask again whether it is still there
 *   ALIAS_UNCHECKED  a flight that has ended meanwhile is found by its key none the less
 *   CLOSE_ANY        who closes a flight takes whatever is listed off the list
 */

#ifndef CALLERS
#define CALLERS 2
#endif
#ifndef RUNS
#define RUNS 2
#endif
#ifndef PRESSES
#define PRESSES 2
#endif
#define FETCHERS 2
#define FLIGHTS (PRESSES * CALLERS + RUNS + 2)

/* the newest run, in the database */
#define ENDED 0
#define QUEUED 1
#define RUNNING 2
byte newest = 0;
byte status = ENDED;
byte holder = 0;      /* 1 + the fetcher that claimed last */
#ifndef TROUBLE
#define TROUBLE 1
#endif
byte trouble = TROUBLE; /* retries, lost leases, databases that do not answer: so many in all */

/* flights, from 1 on; by recording, by key */
typedef Flight {
  byte of_run;
  bit ended;
  bit worked_on
};
Flight flight[FLIGHTS + 1];
byte made = 0;
byte listed = 0;
byte keyed = 0;

byte pending = 0;           /* 1 + whose admission the others wait for */
bit answered[CALLERS];
byte brought[CALLERS];      /* the flight that it brought, or none */
byte handed[FETCHERS];      /* a flight, with a claim, from an admission */
bit reserved[FETCHERS];
bit waits[CALLERS];

/* Flights::open */
inline open(for_run, by_worker, f) {
  f = listed;
  if
  :: listed == 0 || flight[listed].of_run != for_run ->
     made++;
     assert(made <= FLIGHTS);
     f = made;
     flight[f].of_run = for_run;
     listed = (listed != 0 && flight[listed].of_run > for_run -> listed : f)
  :: else
  fi;
  flight[f].worked_on = flight[f].worked_on || (by_worker && listed == f)
}

/* Flights::close, and Flights::doubt where `only_unworked` */
inline close(f, only_unworked) {
  if
  :: !(only_unworked && flight[f].worked_on) ->
#ifdef CLOSE_ANY
     listed = 0;
     keyed = 0;
#else
     listed = (listed == f -> 0 : listed);
     keyed = (keyed == f -> 0 : keyed);
#endif
     flight[f].ended = 1
  :: else
  fi
}

/* Flights::alias */
inline alias(f) {
#ifdef ALIAS_UNCHECKED
  keyed = f
#else
  keyed = (listed == f -> f : keyed)
#endif
}

active [CALLERS] proctype caller() {
  byte me = _pid;
  byte f = 0;
  byte saw = 0;
  byte by = 0;
  byte presses = 0;

press:
  presses++;
  if
  :: d_step { keyed != 0 -> f = keyed } goto listen
  :: d_step { keyed == 0 && pending == 0 -> pending = me + 1; answered[me] = 0; brought[me] = 0 }
  :: d_step { keyed == 0 && pending != 0 -> by = pending - 1 }
     d_step { answered[by] -> f = brought[by]; by = 0 }
     goto listen
  fi;

  /* Join::ask: one transaction, with a slot of the worker's where there is one */
  if
  :: d_step { status != ENDED -> saw = newest }
  :: d_step { status == ENDED && newest < RUNS -> newest++; status = QUEUED; saw = newest; holder = 0 }
  :: d_step { status == ENDED && newest < RUNS && !reserved[0] && handed[0] == 0 ->
       newest++; status = RUNNING; saw = newest; holder = 1; reserved[0] = 1; by = 1 }
  :: d_step { status == ENDED && newest == RUNS -> saw = 0 }
  fi;
  if
  :: saw == 0 -> goto bring
  :: by == 1 ->
     d_step { open(saw, true, f) }
     d_step { alias(f) }
     d_step { handed[0] = f; by = 0 }
     goto bring
  :: else
  fi;

  /* Join::flight_of */
  if
  :: d_step { listed != 0 && flight[listed].of_run == saw -> f = listed }
     d_step { alias(f) }
     goto bring
  :: d_step { listed == 0 || flight[listed].of_run != saw -> open(saw, false, f) }
  fi;
#ifdef NO_SECOND_LOOK
  d_step { alias(f) }
#else
  if
  :: d_step { trouble > 0 -> trouble--; by = 2 } /* the database does not answer */
  :: d_step { newest == saw && status != ENDED -> by = 3 }
  :: d_step { !(newest == saw && status != ENDED) -> by = 4 }
  fi;
  if
  :: d_step { by == 2 -> close(f, true) }
  :: d_step { by == 3 -> alias(f) }
  :: d_step { by == 4 -> close(f, false) }
  fi;
  by = 0;
#endif

bring:
  atomic { pending = 0 }
  d_step { brought[me] = f; answered[me] = 1; saw = 0 }

listen:
  if
  :: f == 0 -> skip
  :: else ->
     waits[me] = 1;
     d_step { flight[f].ended -> f = 0; waits[me] = 0 }
  fi;
  if
  :: presses < PRESSES -> goto press
  :: true
  fi
}

/* Worker::fetch. Fetcher 0 gets what admissions claim, fetcher 1 what look_for_work does. */
active [FETCHERS] proctype fetcher() {
  byte me = _pid - CALLERS;
  byte f = 0;
  byte mine = 0;
  bit ours = 0;

end:
  if
  :: d_step { me == 0 && handed[0] != 0 -> f = handed[0]; handed[0] = 0; mine = flight[f].of_run }
  :: d_step { me == 1 && status == QUEUED -> status = RUNNING; holder = me + 1; mine = newest }
     d_step { open(mine, true, f) }
  fi;
  if
  :: d_step { newest == mine && status == RUNNING && holder == me + 1 -> status = ENDED; ours = 1 } /* complete, fail */
  :: d_step { newest == mine && status == RUNNING && holder == me + 1 && trouble > 0 ->
       trouble--; status = QUEUED; holder = 0; ours = 0 }                                        /* retry */
     goto idle
  :: d_step { !(newest == mine && status == RUNNING && holder == me + 1) -> ours = 0 }              /* zero rows */
  fi;
  if
  :: ours -> d_step { close(f, false) }
  :: else -> /* step_aside: where the run is active still, another claim goes on with the flight */
     if
     :: d_step { newest == mine && status != ENDED -> skip }
     :: d_step { !(newest == mine && status != ENDED) -> ours = 1 }
     fi;
     if
     :: ours -> d_step { close(f, false) }
     :: else
     fi
  fi;
idle:
  atomic { f = 0; mine = 0; ours = 0; reserved[me] = 0 }
  goto end
}

/* Somebody cancels, erases, or a queued run is past its deadline: the database first, then the flight. */
active proctype canceller() {
  byte f = 0;
  byte ended = 0;
end:
  do
  :: d_step { status != ENDED -> status = ENDED; holder = 0; ended = newest }
     d_step { f = (listed != 0 && flight[listed].of_run == ended -> listed : 0) }
     if
     :: f != 0 -> d_step { close(f, false) }
     :: else
     fi;
     f = 0;
     ended = 0;
     break
  od
}

/* A lease runs out: the row is queued again, its holder finds zero rows. */
active proctype sweep() {
end:
  do
  :: d_step { status == RUNNING && trouble > 0 -> trouble--; status = QUEUED; holder = 0 }
  od
}

/* Nobody listens for ever, and a key leads to no flight that has ended (but for the moment of ending it). */
ltl everybody_hears_the_end { [] (waits[0] -> <> !waits[0]) && [] (!(keyed != 0 && flight[keyed].ended)) }
