package support_test

import (
	"testing"

	"pixeltrack.io/platform/pkg/support"
)

func TestWhatLeadsWhere(t *testing.T) {
	const no = support.Status("")
	acts := []support.Act{support.Reply, support.Answer, support.Solve, support.Close, support.Reopen}
	for from, want := range map[support.Status][]support.Status{
		support.Open:    {support.Open, support.Pending, support.Solved, support.Closed, no},
		support.Pending: {support.Open, support.Pending, support.Solved, support.Closed, no},
		support.Solved:  {support.Open, support.Pending, no, support.Closed, support.Open},
		support.Closed:  {no, no, no, no, support.Open},
		"unknown":       {no, no, no, no, no},
	} {
		for i, a := range acts {
			if to, ok := from.After(a); to != want[i] || ok != (want[i] != no) {
				t.Errorf("%q.After(%q) = %q, %v; want %q", from, a, to, ok, want[i])
			}
		}
	}
}
