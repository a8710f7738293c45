package calls_test

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/local/guard"
	"pixeltrack.io/platform/infra/local/iam"
)

func TestCostOf(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	call := func(from, to int) calls.Call {
		return calls.Call{Start: start.Add(time.Duration(from) * time.Millisecond), End: start.Add(time.Duration(to) * time.Millisecond), Read: 1, Write: 2}
	}
	tests := []struct {
		name  string
		calls []calls.Call
		want  calls.Cost
	}{
		{"nothing", nil, calls.Cost{}},
		{"one call", []calls.Call{call(0, 5)}, calls.Cost{Trips: 1, Calls: 1, Read: 1, Write: 2}},
		{"two beside each other", []calls.Call{call(0, 5), call(1, 9)}, calls.Cost{Trips: 1, Calls: 2, Read: 2, Write: 4}},
		{"two one after the other", []calls.Call{call(0, 5), call(5, 9)}, calls.Cost{Trips: 2, Calls: 2, Read: 2, Write: 4}},
		{"a long one beside two short ones", []calls.Call{call(0, 20), call(1, 5), call(6, 9)}, calls.Cost{Trips: 2, Calls: 3, Read: 3, Write: 6}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := calls.CostOf(tt.calls); got != tt.want {
				t.Errorf("CostOf = %+v; want %+v", got, tt.want)
			}
		})
	}
}

func TestUnused(t *testing.T) {
	p := &iam.Policy{Statements: []iam.Statement{
		{Sid: "Read", Effect: "Allow", Actions: []string{"a:Get", "a:Put"}, Resources: []string{"r"},
			Condition: map[string]map[string][]string{"ForAllValues:StringLike": {"dynamodb:LeadingKeys": {"A*", "B*"}}, "Null": {"dynamodb:LeadingKeys": {"false"}}}},
	}}
	var r calls.Recorder
	request := iam.Request{Action: "a:Get", Resource: "r", Context: map[string][]string{"dynamodb:LeadingKeys": {"A1"}}}
	r.Used("F", request, p.Decide(request).Uses)
	if got, ok := r.Proof("F", 0); !ok || p.Without(0).Decide(got).Allowed {
		t.Errorf("Proof = %v, %v; want a call that the rest of the role refuses", got, ok)
	}
	want := []string{"F: Read: a:Put", "F: Read: dynamodb:LeadingKeys B*"}
	if got := calls.Unused("F", p, r.Uses()); !slices.Equal(got, want) {
		t.Errorf("Unused = %q; want %q", got, want)
	}
}

func TestFaults(t *testing.T) {
	var f calls.Faults
	if f.Add(calls.Plan{Kind: "lightning"}) == nil {
		t.Error("a fault that does not exist is planned")
	}
	if err := f.Add(calls.Plan{Function: "F", Operation: "PutItem", Nth: 2, Kind: "throttle"}); err != nil {
		t.Fatal(err)
	}
	put := guard.Call{Service: "dynamodb", Operation: "PutItem", Function: "F", RequestID: "1"}
	other := guard.Call{Service: "dynamodb", Operation: "GetItem", Function: "F", RequestID: "1"}
	got := []guard.Fault{f.Next(put), f.Next(other), f.Next(put), f.Next(put)}
	want := []guard.Fault{guard.None, guard.None, guard.Throttle, guard.None}
	if !slices.Equal(got, want) {
		t.Errorf("faults = %v; want %v", got, want)
	}
	if f.Hits() != 1 {
		t.Errorf("Hits = %d; want 1", f.Hits())
	}
	f.Clear()
	if err := f.Add(calls.Plan{Kind: "hold"}); err != nil {
		t.Fatal(err)
	}
	done := make(chan guard.Fault)
	go func() { done <- f.Next(put) }()
	for f.Held() == 0 {
		runtime.Gosched()
	}
	f.Clear()
	if fault := <-done; fault != guard.None {
		t.Errorf("a held call ends with %v; want none", fault)
	}
}
