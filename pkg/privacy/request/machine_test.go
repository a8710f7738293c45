package request_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pixeltrack.io/platform/pkg/privacy/request"
)

var (
	received = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	due      = time.Date(2026, 12, 23, 10, 0, 0, 0, time.UTC)
)

func items(ds ...request.Decision) []request.Item {
	var all []request.Item
	for i, d := range ds {
		item := request.Item{Name: string(rune('a' + i)), Decision: d}
		if d != request.Act {
			item.Ground = "tax_law"
		}
		all = append(all, item)
	}
	return all
}

func ev(t request.EventType) request.Event {
	return request.Event{Type: t, At: received.Add(time.Hour)}
}

func with(e request.Event, change func(*request.Event)) request.Event {
	change(&e)
	return e
}

// play applies events and stops at the first that is refused.
func play(kind request.Kind, events ...request.Event) (request.Status, error) {
	s := request.Open(kind, received, due)
	for _, e := range events {
		next, err := s.Apply(e)
		if err != nil {
			return s, err
		}
		s = next
	}
	return s, nil
}

func TestCourses(t *testing.T) {
	fresh := with(ev(request.IdentityClear), func(e *request.Event) { e.Fresh = true })
	stale := ev(request.IdentityClear)
	scope := func(ds ...request.Decision) request.Event {
		return with(ev(request.Scoped), func(e *request.Event) { e.Items = items(ds...) })
	}
	item := func(t request.EventType, name string) request.Event {
		return with(ev(t), func(e *request.Event) { e.Item = name })
	}
	reason := func(t request.EventType) request.Event {
		return with(ev(t), func(e *request.Event) { e.Reason = "complex" })
	}
	extend := with(reason(request.Extension), func(e *request.Event) { e.Until = due.AddDate(0, 1, 0) })
	approved, finish := ev(request.Approved), ev(request.Finished)
	ledger, destroy := ev(request.LedgerWritten), ev(request.DestructionBegun)

	tests := []struct {
		name   string
		kind   request.Kind
		events []request.Event
		want   request.State
		err    error
	}{
		{"access with a fresh session", request.Access, []request.Event{fresh, scope(request.Act), approved, item(request.StepDone, "a"), finish}, request.Fulfilled, nil},
		{"a session that is not fresh", request.Access, []request.Event{stale}, request.Received, request.ErrIdentity},
		{"an opt-out needs no proof", request.OptOut, []request.Event{stale}, request.Verified, nil},
		{"no proof is asked for an opt-out", request.OptOut, []request.Event{ev(request.IdentityDoubted)}, request.Received, request.ErrState},
		{"doubt, then proof", request.Access, []request.Event{ev(request.IdentityDoubted), ev(request.IdentityPassed)}, request.Verified, nil},
		{"doubt, then no answer", request.Access, []request.Event{ev(request.IdentityDoubted), ev(request.IdentityFailed)}, request.Denied, nil},
		{"nothing is decided without items", request.Access, []request.Event{fresh, ev(request.Scoped)}, request.Verified, request.ErrUndecided},
		{"an item kept without a ground", request.Erasure, []request.Event{fresh, with(scope(request.Act), func(e *request.Event) { e.Items[0].Decision = request.Retain })}, request.Verified, request.ErrNoReason},
		{"approved with nothing to do", request.Erasure, []request.Event{fresh, scope(request.Retain), approved}, request.InReview, request.ErrNothingToDo},
		{"refused with reasons", request.Erasure, []request.Event{fresh, scope(request.Refuse), reason(request.Refused)}, request.Denied, nil},
		{"refused without reasons", request.Erasure, []request.Event{fresh, scope(request.Refuse), ev(request.Refused)}, request.InReview, request.ErrNoReason},
		{"forwarded to the organisation and answered", request.Access, []request.Event{fresh, ev(request.HeldAsProcessor), with(scope(request.Act), func(e *request.Event) { e.Type = request.ControllerAnswered })}, request.InReview, nil},
		{"extended once", request.Access, []request.Event{fresh, extend, extend}, request.Verified, request.ErrExtension},
		{"extended after the first date", request.Access, []request.Event{fresh, with(extend, func(e *request.Event) { e.At = due })}, request.Verified, request.ErrExtension},
		{"destruction before the ledger", request.Erasure, []request.Event{fresh, scope(request.Act), approved, destroy}, request.Executing, request.ErrLedger},
		{"a step before destruction was begun", request.Erasure, []request.Event{fresh, scope(request.Act), approved, ledger, item(request.StepDone, "a")}, request.Executing, request.ErrLedger},
		{"erasure with something kept", request.Erasure, []request.Event{fresh, scope(request.Act, request.Retain), approved, ledger, destroy, item(request.StepDone, "a"), finish}, request.PartiallyFulfilled, nil},
		{"never done while a step failed", request.Erasure, []request.Event{fresh, scope(request.Act), approved, ledger, destroy, item(request.StepFailed, "a"), finish}, request.Executing, request.ErrUnfinished},
		{"a failed step succeeds at last", request.Erasure, []request.Event{fresh, scope(request.Act), approved, ledger, destroy, item(request.StepFailed, "a"), item(request.StepDone, "a"), finish}, request.Fulfilled, nil},
		{"a provider that takes days", request.Erasure, []request.Event{fresh, scope(request.Act), approved, ledger, destroy, item(request.ProviderPending, "a"), finish}, request.AwaitingProvider, request.ErrState},
		{"the provider answers", request.Erasure, []request.Event{fresh, scope(request.Act), approved, ledger, destroy, item(request.ProviderPending, "a"), item(request.ProviderAnswered, "a"), finish}, request.Fulfilled, nil},
		{"withdrawn before the work", request.Erasure, []request.Event{fresh, scope(request.Act), ev(request.SubjectWithdrew)}, request.Withdrawn, nil},
		{"withdrawn during the work", request.Erasure, []request.Event{fresh, scope(request.Act), approved, ev(request.SubjectWithdrew)}, request.Executing, request.ErrTooLate},
		{"withdrawn when all is over", request.Access, []request.Event{fresh, scope(request.Act), approved, item(request.StepDone, "a"), finish, ev(request.SubjectWithdrew)}, request.Fulfilled, request.ErrState},
		{"a duty ends and the rest goes too", request.Erasure, []request.Event{fresh, scope(request.Act, request.Retain), approved, ledger, destroy, item(request.StepDone, "a"), finish, item(request.DutyEnded, "b"), item(request.StepDone, "b"), finish}, request.Fulfilled, nil},
		{"a duty ends while the rest goes", request.Erasure, []request.Event{fresh, scope(request.Act, request.Retain), approved, ledger, destroy, item(request.DutyEnded, "b"), item(request.StepDone, "a"), item(request.StepDone, "b"), finish}, request.Fulfilled, nil},
		{"a step nobody decided", request.Access, []request.Event{fresh, scope(request.Act), approved, item(request.StepDone, "z")}, request.Executing, request.ErrNoSuchItem},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := play(tt.kind, tt.events...)
			if got.State != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("state %s, %v; want %s, %v", got.State, err, tt.want, tt.err)
			}
		})
	}
}

func TestApplyLeavesTheOldStatusAlone(t *testing.T) {
	s, err := play(request.Access, with(ev(request.IdentityClear), func(e *request.Event) { e.Fresh = true }),
		with(ev(request.Scoped), func(e *request.Event) { e.Items = items(request.Act) }), ev(request.Approved))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Apply(with(ev(request.StepDone), func(e *request.Event) { e.Item = "a" })); err != nil {
		t.Fatal(err)
	}
	if s.Items[0].Progress != request.Pending {
		t.Errorf("the old status says %s; want pending", s.Items[0].Progress)
	}
}

var allEvents = []request.EventType{request.AcknowledgementSent, request.AcknowledgementFailed, request.IdentityClear,
	request.IdentityDoubted, request.IdentityPassed, request.IdentityFailed, request.HeldAsProcessor,
	request.ControllerAnswered, request.Scoped, request.Approved, request.Refused, request.Extension,
	request.LedgerWritten, request.DestructionBegun, request.StepDone, request.StepFailed, request.ProviderPending,
	request.ProviderAnswered, request.Finished, request.SubjectWithdrew, request.DutyEnded}

func TestWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := request.Open(rapid.SampledFrom(request.Kinds()).Draw(t, "kind"), received, due)
		at, latest := received, due.AddDate(0, 2, 0)
		decisions := rapid.SampledFrom([]request.Decision{request.Act, request.Retain, request.Refuse})
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			at = at.Add(time.Duration(rapid.IntRange(0, 3*86400).Draw(t, "pause")) * time.Second)
			e := request.Event{Type: rapid.SampledFrom(allEvents).Draw(t, "event"), At: at,
				Fresh:  rapid.Bool().Draw(t, "fresh"),
				Item:   rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "item"),
				Reason: rapid.SampledFrom([]string{"", "complex"}).Draw(t, "reason"),
				Until:  latest, Items: items(rapid.SliceOfN(decisions, 0, 3).Draw(t, "items")...)}
			before := s
			after, err := s.Apply(e)
			if err != nil {
				if after.State != before.State || after.Due != before.Due || !slices.Equal(after.Items, before.Items) {
					t.Fatalf("%s was refused and changed something", e.Type)
				}
				continue
			}
			s = after
			check(t, before, after, e, latest)
		}
	})
}

func check(t *rapid.T, before, after request.Status, e request.Event, latest time.Time) {
	if !before.State.Open() && e.Type != request.DutyEnded {
		t.Fatalf("%s happened to a %s request", e.Type, before.State)
	}
	if after.Due != before.Due && (e.Type != request.Extension || before.Extended || !e.At.Before(before.Due) || after.Due.After(latest)) {
		t.Fatalf("the date moved from %v to %v by %s at %v", before.Due, after.Due, e.Type, e.At)
	}
	if after.Destroying && !after.LedgerWritten {
		t.Fatal("destruction before the ledger")
	}
	if after.State == request.Withdrawn && (before.Destroying || before.State == request.Executing) {
		t.Fatal("withdrawn after the work had begun")
	}
	if after.State == request.Fulfilled || after.State == request.PartiallyFulfilled {
		for _, i := range after.Items {
			if i.Decision == request.Act && i.Progress != request.Done {
				t.Fatalf("%s with item %s %s", after.State, i.Name, i.Progress)
			}
			if after.State == request.Fulfilled && i.Decision != request.Act {
				t.Fatalf("fulfilled, yet %s was to %s", i.Name, i.Decision)
			}
		}
	}
	if after.State == request.Denied && after.Denial == "" {
		t.Fatal("denied without a reason")
	}
	if !after.State.Open() && (after.ClosedAt.IsZero() || after.EvidenceKept) {
		t.Fatalf("%s: closed at %v, evidence kept: %v", after.State, after.ClosedAt, after.EvidenceKept)
	}
	if after.Kind.Unverified() && after.State == request.IdentityPending {
		t.Fatalf("%s waits for a proof of identity", after.Kind)
	}
	if after.Kind.Destroys() && after.State.Open() == false && !after.LedgerWritten &&
		(after.State == request.Fulfilled || after.State == request.PartiallyFulfilled) {
		t.Fatal("an erasure ended without a ledger row")
	}
}

func TestWhatOthersEraseNeedsNoLedgerOfOurs(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	item := request.Item{Name: "org_1", Decision: request.Act}
	for held, want := range map[request.EventType]error{request.HeldAsProcessor: nil, request.Scoped: request.ErrLedger} {
		s := request.Open(request.Erasure, now, now.AddDate(0, 0, 30))
		var err error
		for _, e := range []request.Event{{Type: request.IdentityClear, Fresh: true}, {Type: held, Items: []request.Item{item}}} {
			if s, err = s.Apply(e); err != nil {
				t.Fatalf("%s: %v", e.Type, err)
			}
		}
		if held == request.HeldAsProcessor {
			if s, err = s.Apply(request.Event{Type: request.ControllerAnswered, Items: []request.Item{item}}); err != nil {
				t.Fatal(err)
			}
		}
		if s, err = s.Apply(request.Event{Type: request.Approved, At: now}); err != nil {
			t.Fatal(err)
		}
		if _, err = s.Apply(request.Event{Type: request.StepDone, Item: "org_1", At: now}); !errors.Is(err, want) {
			t.Errorf("a step after %s = %v; want %v", held, err, want)
		}
	}
}
