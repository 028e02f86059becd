-------------------------------- MODULE Saga --------------------------------
(***************************************************************************)
(* The fulfilment saga between a customer, a stock, a payment gateway and  *)
(* processes that die. What the saga itself does is the table of the code  *)
(* (SagaTable, made of libs/domain/fulfilment/fulfilment.table.ts); this   *)
(* module is everything around it:                                         *)
(* - calls to the gateway are lost, late, repeated; answers are lost,      *)
(*   late, repeated and overtake each other; look-ups grow old;            *)
(* - a process dies with what it had in hand; another one takes over what  *)
(*   is overdue, also while the first still lives;                         *)
(* - the customer cancels at any moment, heard of at once or late;         *)
(* - an operator retries, gives up, or says truthfully what happened;      *)
(* - the gateway declines, calls requests malformed, and forgets           *)
(*   idempotency keys when nothing is under way any more: from then on it  *)
(*   would charge a second time.                                           *)
(* Everything that goes wrong costs one of Faults, so that a run has       *)
(* finitely many; what is free must lead to an end.                        *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets, Sequences, SagaTable

CONSTANTS Orders, Pieces, Faults

VARIABLES
  saga,      \* per order: the situation of its saga, as stored
  records,   \* per order: what its order, payment and stock streams say, as stored
  free,      \* pieces neither reserved nor shipped
  news,      \* per order: messages the orchestrator has not heard yet
  hands,     \* per order: actions some process is about to carry out; gone when it dies
  calls,     \* per order: operations on their way to the gateway
  answers,   \* per order: what the gateway said and nobody has recorded yet
  book,      \* per order: the gateway's own book of the payment
  keys,      \* per order: the answers the gateway remembers by idempotency key
  faults     \* what may still go wrong

vars == <<saga, records, free, news, hands, calls, answers, book, keys, faults>>

Operations == {"authorize", "capture", "void", "refund"}
At(o) == Situations[saga[o]]
Status(o) == At(o).status
Ended(o) == Status(o) \in {"confirmed", "rejected", "cancelled"}
Sum(f) == LET S[D \in SUBSET Orders] == IF D = {} THEN 0 ELSE LET o == CHOOSE o \in D : TRUE IN f[o] + S[D \ {o}]
          IN S[Orders]

Init ==
  /\ saga = [o \in Orders |-> FirstSituation]
  /\ records = [o \in Orders |-> [order |-> "placed", payment |-> "absent", reserved |-> 0, shipped |-> 0, refused |-> FALSE]]
  /\ free = Pieces
  /\ news = [o \in Orders |-> {"start"}]
  /\ hands = [o \in Orders |-> {}]
  /\ calls = [o \in Orders |-> {}]
  /\ answers = [o \in Orders |-> {}]
  /\ book = [o \in Orders |-> [status |-> "none", holds |-> 0, charges |-> 0, refunds |-> 0]]
  /\ keys = [o \in Orders |-> [op \in Operations |-> "none"]]
  /\ faults = Faults

Fault == faults > 0 /\ faults' = faults - 1
NoFault == UNCHANGED faults

-----------------------------------------------------------------------------
(* What a step does to the other streams; a command they refuse is a fault of the saga. *)

Refuse(r) == [r EXCEPT !.refused = TRUE]
Record(r, from, to, already) ==
  CASE r.payment \in from -> [r EXCEPT !.payment = to]
    [] r.payment \in already -> r
    [] OTHER -> Refuse(r)

Carry(effect, r) ==
  CASE effect = "ConfirmOrder" -> IF r.order = "placed" THEN [r EXCEPT !.order = "confirmed"] ELSE IF r.order = "confirmed" THEN r ELSE Refuse(r)
    [] effect = "RejectOrder" -> IF r.order = "placed" THEN [r EXCEPT !.order = "rejected"] ELSE IF r.order = "rejected" THEN r ELSE Refuse(r)
    [] effect = "RequestPayment" -> IF r.payment = "absent" THEN [r EXCEPT !.payment = "requested"] ELSE r
    [] effect = "RecordAuthorization" -> Record(r, {"requested"}, "authorized", {"authorized", "captured", "refunded"})
    [] effect = "RecordCapture" -> Record(r, {"authorized"}, "captured", {"captured", "refunded"})
    [] effect = "RecordDecline" -> Record(r, {"requested"}, "declined", {"declined"})
    [] effect = "RecordVoid" -> Record(r, {"requested", "authorized"}, "voided", {"voided"})
    [] effect = "RecordRefund" -> Record(r, {"captured"}, "refunded", {"refunded"})
    [] effect = "RecordUnknownOutcome" -> IF r.payment = "absent" THEN Refuse(r) ELSE r
    [] effect = "ShipStock" -> IF r.reserved = 1 THEN [r EXCEPT !.reserved = 0, !.shipped = 1] ELSE Refuse(r)
    [] effect = "ReleaseStock" -> [r EXCEPT !.reserved = 0]
    [] effect = "ReturnStock" -> IF r.shipped = 1 THEN [r EXCEPT !.shipped = 0] ELSE Refuse(r)
    [] OTHER -> r

(* One input on a saga, its records and its dispatched action. The stock answers a reservation in the same step. *)
RECURSIVE Carried(_, _)
Carried(effects, r) == IF effects = <<>> THEN r ELSE Carried(Tail(effects), Carry(Head(effects), r))

Dispatched(row, before) ==
  IF \E i \in DOMAIN row.effects : row.effects[i] = "send" THEN {<<"send", Situations[row.to].step>>}
  ELSE IF \E i \in DOMAIN row.effects : row.effects[i] = "look_up" THEN {<<"look_up", Situations[row.to].step>>}
  ELSE before

One(input, w) ==
  IF input \notin Inputs[w.saga] THEN w
  ELSE LET row == Steps[w.saga][input]
           r == Carried(row.effects, w.records)
       IN [saga |-> row.to, records |-> r, dispatched |-> Dispatched(row, w.dispatched),
           free |-> w.free + (w.records.reserved + w.records.shipped) - (r.reserved + r.shipped)]

Reserved(w) ==
  IF Situations[w.saga].status # "reserving" THEN w
  ELSE IF w.free > 0 THEN One("stock_reserved", [w EXCEPT !.free = @ - 1, !.records.reserved = 1])
  ELSE One("stock_refused", w)

(* The saga heeds the order itself first: a cancellation counts although its message is still to come. *)
Heed(w) == IF w.records.order = "cancelled" THEN One("cancel", w) ELSE w

Decided(o, input) ==
  LET w0 == [saga |-> saga[o], records |-> records[o], free |-> free, dispatched |-> {}]
      w1 == One(input, Heed(w0))
  IN Reserved(IF input = "start" THEN Heed(w1) ELSE w1)

(* One transaction. A new action replaces the one a process has in hand, unless two processes are at it. *)
Take(o, input, kept) ==
  LET w == Decided(o, input) IN
  /\ saga' = [saga EXCEPT ![o] = w.saga]
  /\ records' = [records EXCEPT ![o] = w.records]
  /\ free' = w.free
  /\ hands' = [hands EXCEPT ![o] = IF w.dispatched = {} THEN @ ELSE w.dispatched \cup kept]

-----------------------------------------------------------------------------
(* Messages of the order *)

Hear(o) == \E m \in news[o] :
  /\ Take(o, m, {})
  /\ \/ news' = [news EXCEPT ![o] = @ \ {m}] /\ NoFault
     \/ UNCHANGED news /\ Fault
  \* A cancellation never overtakes the start it belongs to.
  /\ m = "cancel" => "start" \notin news[o]
  /\ UNCHANGED <<calls, answers, book, keys>>

Cancel(o) ==
  /\ records[o].order \in {"placed", "confirmed"}
  /\ records' = [records EXCEPT ![o].order = "cancelled"]
  /\ news' = [news EXCEPT ![o] = @ \cup {"cancel"}]
  /\ UNCHANGED <<saga, free, hands, calls, answers, book, keys, faults>>

-----------------------------------------------------------------------------
(* Processes *)

Send(o) == \E a \in hands[o] :
  /\ a[1] = "send"
  /\ hands' = [hands EXCEPT ![o] = @ \ {a}]
  /\ calls' = [calls EXCEPT ![o] = @ \cup {a[2]}]
  /\ UNCHANGED <<saga, records, free, news, answers, book, keys, faults>>

LookUp(o) == \E a \in hands[o] :
  /\ a[1] = "look_up"
  /\ hands' = [hands EXCEPT ![o] = @ \ {a}]
  /\ answers' = [answers EXCEPT ![o] = @ \cup {<<FoundAs[book[o].status], a[2]>>}]
  /\ UNCHANGED <<saga, records, free, news, calls, book, keys, faults>>

(* An answer counts for the step it is of. *)
Answer(o) == \E m \in answers[o] :
  /\ IF m[2] = At(o).step THEN Take(o, m[1], {}) ELSE UNCHANGED <<saga, records, free, hands>>
  /\ \/ answers' = [answers EXCEPT ![o] = @ \ {m}] /\ NoFault
     \/ UNCHANGED answers /\ Fault
  /\ UNCHANGED <<news, calls, book, keys>>

Quiet(o) == hands[o] = {} /\ calls[o] = {} /\ answers[o] = {}

(* The deadline of a call, or the lease of an action whose process died: nobody knows what became of the step. *)
TakeOver(o) ==
  /\ Status(o) = "paying"
  /\ IF At(o).ask = "send" THEN Take(o, "unknown", hands[o])
     ELSE /\ hands' = [hands EXCEPT ![o] = @ \cup {<<"look_up", At(o).step>>}]
          /\ UNCHANGED <<saga, records, free>>
  /\ UNCHANGED <<news, calls, answers, book, keys>>

Overdue(o) == Quiet(o) /\ NoFault /\ TakeOver(o)
TooSoon(o) == ~Quiet(o) /\ Fault /\ TakeOver(o)

GiveUpAsking(o) ==
  /\ Status(o) = "paying" /\ Fault
  /\ Take(o, "unknown_again", {})
  /\ UNCHANGED <<news, calls, answers, book, keys>>

Crash(o) ==
  /\ hands[o] # {} /\ Fault
  /\ hands' = [hands EXCEPT ![o] = {}]
  /\ UNCHANGED <<saga, records, free, news, calls, answers, book, keys>>

Operator(o) ==
  /\ Status(o) = "parked"
  /\ \/ NoFault /\ Take(o, "give_up", {})
     \/ Fault /\ Take(o, "retry", {})
     \/ Fault /\ Reached[At(o).step] = book[o].status /\ Take(o, "proven_done", {})
     \/ Fault /\ Reached[At(o).step] # book[o].status /\ At(o).step \in {"authorize", "capture"} /\ Take(o, "proven_not_done", {})
  /\ UNCHANGED <<news, calls, answers, book, keys>>

-----------------------------------------------------------------------------
(* The gateway *)

(* What it makes of a call it does not remember: the book after it, and its answer. *)
Acts(op, b) ==
  CASE op = "authorize" /\ b.status = "none" ->
         {<<[b EXCEPT !.status = "authorized", !.holds = @ + 1], "done">>, <<[b EXCEPT !.status = "declined"], "declined">>}
    \* The key is forgotten: another payment.
    [] op = "authorize" /\ b.status \in {"authorized", "captured"} -> {<<[b EXCEPT !.holds = @ + 1], "done">>}
    [] op = "capture" /\ b.status = "authorized" ->
         {<<[b EXCEPT !.status = "captured", !.holds = @ - 1, !.charges = @ + 1], "done">>, <<b, "declined">>}
    [] op = "capture" /\ b.status = "captured" -> {<<[b EXCEPT !.charges = @ + 1], "done">>}
    [] op = "void" /\ b.status = "none" -> {<<[b EXCEPT !.status = "voided"], "done">>}
    [] op = "void" /\ b.status = "authorized" -> {<<[b EXCEPT !.status = "voided", !.holds = @ - 1], "done">>}
    [] op = "void" /\ b.status = "voided" -> {<<b, "done">>}
    [] op = "refund" /\ b.status = "captured" -> {<<[b EXCEPT !.status = "refunded", !.refunds = @ + 1], "done">>}
    [] op = "refund" /\ b.status = "refunded" -> {<<b, "done">>}
    \* A conflict: to be looked up.
    [] OTHER -> {<<b, "unknown">>}

Land(o) == \E op \in calls[o] :
  /\ \/ /\ keys[o][op] # "none"
        /\ answers' = [answers EXCEPT ![o] = @ \cup {<<keys[o][op], op>>}]
        /\ UNCHANGED <<book, keys>>
     \/ /\ keys[o][op] = "none"
        /\ \E act \in Acts(op, book[o]) :
             /\ book' = [book EXCEPT ![o] = act[1]]
             /\ keys' = [keys EXCEPT ![o][op] = IF act[2] = "unknown" THEN "none" ELSE act[2]]
             /\ answers' = [answers EXCEPT ![o] = @ \cup {<<act[2], op>>}]
  /\ \/ calls' = [calls EXCEPT ![o] = @ \ {op}] /\ NoFault
     \/ UNCHANGED calls /\ Fault
  /\ UNCHANGED <<saga, records, free, news, hands>>

Malformed(o) == \E op \in calls[o] :
  /\ keys[o][op] = "none" /\ Fault
  /\ calls' = [calls EXCEPT ![o] = @ \ {op}]
  /\ answers' = [answers EXCEPT ![o] = @ \cup {<<"rejected", op>>}]
  /\ UNCHANGED <<saga, records, free, news, hands, book, keys>>

Lose(o) ==
  /\ Fault
  /\ \/ \E op \in calls[o] : calls' = [calls EXCEPT ![o] = @ \ {op}] /\ UNCHANGED answers
     \/ \E m \in answers[o] : answers' = [answers EXCEPT ![o] = @ \ {m}] /\ UNCHANGED calls
  /\ UNCHANGED <<saga, records, free, news, hands, book, keys>>

(* Keys are kept for hours: longer than any call, answer or process in between. *)
Forget(o) ==
  /\ Quiet(o) /\ Fault
  /\ \E op \in Operations : keys[o][op] # "none" /\ keys' = [keys EXCEPT ![o][op] = "none"]
  /\ UNCHANGED <<saga, records, free, news, hands, calls, answers, book>>

-----------------------------------------------------------------------------
Progress(o) == Hear(o) \/ Send(o) \/ LookUp(o) \/ Answer(o) \/ Overdue(o) \/ Land(o) \/ Operator(o)
Trouble(o) == TooSoon(o) \/ GiveUpAsking(o) \/ Crash(o) \/ Malformed(o) \/ Lose(o) \/ Forget(o)
AllDone == (\A o \in Orders : Ended(o) /\ Quiet(o) /\ news[o] = {}) /\ UNCHANGED vars

Next == (\E o \in Orders : Progress(o) \/ Cancel(o) \/ Trouble(o)) \/ AllDone

Spec == Init /\ [][Next]_vars /\ \A o \in Orders : WF_vars(Progress(o))

-----------------------------------------------------------------------------
NothingRefused == \A o \in Orders : ~records[o].refused
StockConserved == free + Sum([o \in Orders |-> records[o].reserved + records[o].shipped]) = Pieces
NeverTwice == \A o \in Orders : book[o].charges <= 1 /\ book[o].holds + book[o].charges <= 1 /\ book[o].refunds <= book[o].charges

(* However late a call or an answer: once the saga has ended, nothing stands that should not. *)
EndsAccountedFor == \A o \in Orders :
  LET b == book[o] IN LET r == records[o] IN
  /\ Status(o) = "confirmed" =>
       /\ b.holds = 0 /\ b.charges = 1 /\ b.refunds = 0 /\ r.payment = "captured"
       /\ r.reserved = 0 /\ r.shipped = 1 /\ r.order \in {"confirmed", "cancelled"}
  /\ Status(o) \in {"rejected", "cancelled"} =>
       /\ b.holds = 0 /\ b.charges = b.refunds /\ r.payment \in {"absent", "declined", "voided", "refunded"}
       /\ r.reserved = 0 /\ r.shipped = 0 /\ r.order = Status(o)

(* Every order ends, and its saga with it. *)
EveryOrderEnds == \A o \in Orders : <>[](Ended(o) /\ records[o].order = Status(o) /\ Quiet(o))
=============================================================================
