package e2e_test

import (
	"os"
	"strings"
	"testing"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/calls"
	"pixeltrack.io/platform/infra/size"
)

// unprovenFile names the parts of roles that no test from outside needs yet, each a line; the tests of the areas reach
// them. A part that is not in it fails the run, so the list can only become shorter; at full size a part that is in it
// and was needed fails too.
const unprovenFile = "testdata/unproven_roles.txt"

// rolesAreExact is run when all other tests of the package have run: every part of every role was needed by one of
// them, and each statement by a call that the rest of the role refuses. So a statement too many fails here, and a
// statement too few fails the test that needs it.
func rolesAreExact(report func(string)) {
	text, err := os.ReadFile(unprovenFile)
	if err != nil {
		report(err.Error())
	}
	known := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		known[strings.TrimSpace(line)] = true
	}
	found := map[string]bool{}
	unproven := func(what string) {
		found[what] = true
		if !known[what] {
			report(what)
		}
	}
	uses := cloud.Recorder.Uses()
	for _, f := range cloud.Cloud.Functions {
		for _, unused := range calls.Unused(f.Name, f.Policy, uses) {
			unproven("no test needs " + unused)
		}
		for i, s := range f.Policy.Statements {
			if s.Effect != "Allow" {
				continue
			}
			proof, ok := cloud.Recorder.Proof(f.Name, i)
			if !ok {
				unproven(f.Name + ": no call was allowed by statement " + s.Sid + " alone")
				continue
			}
			if f.Policy.Without(i).Decide(proof).Allowed {
				report(f.Name + ": " + proof.Action + " is allowed without statement " + s.Sid)
			}
		}
	}
	if size.Full() {
		for what := range known {
			if !found[what] {
				report(unprovenFile + " names what was needed: " + what)
			}
		}
	}
	for _, d := range cloud.Recorder.Denials() {
		report("a role refused " + d.Function + " " + d.Action + " on " + d.Resource + ": " + d.Why)
	}
}

// TestAStatementThatIsDroppedIsMissed takes the statements of one function away, one at a time, and sees its route fail.
func TestAStatementThatIsDroppedIsMissed(t *testing.T) {
	p := signUp(t)
	f := cloud.Cloud.Function("GetOrganization")
	if f == nil {
		t.Fatal("there is no GetOrganization")
	}
	whole := f.Policy
	defer func() {
		f.Policy = whole
		cloud.Lambda.Recycle()
	}()
	before := len(cloud.Recorder.Denials())
	for i, s := range whole.Statements {
		f.Policy = whole.Without(i)
		cloud.Lambda.Recycle()
		if a := p.call(journey.Call{Method: "GET", Path: "/v1/org"}); a.Status < 400 {
			t.Errorf("without %s the route still answers %d", s.Sid, a.Status)
		}
	}
	cloud.Recorder.ForgiveSince(before)
}
