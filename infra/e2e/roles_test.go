package e2e_test

import (
	"testing"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/calls"
)

// rolesAreExact is run when all other tests of the package have run: every part of every role was needed by one of
// them, and each statement by a call that the rest of the role refuses. So a statement too many fails here, and a
// statement too few fails the test that needs it.
func rolesAreExact(report func(string)) {
	uses := cloud.Recorder.Uses()
	for _, f := range cloud.Cloud.Functions {
		for _, unused := range calls.Unused(f.Name, f.Policy, uses) {
			report("no test needs " + unused)
		}
		for i, s := range f.Policy.Statements {
			if s.Effect != "Allow" {
				continue
			}
			proof, ok := cloud.Recorder.Proof(f.Name, i)
			if !ok {
				report(f.Name + ": no call was allowed by statement " + s.Sid + " alone")
				continue
			}
			if f.Policy.Without(i).Decide(proof).Allowed {
				report(f.Name + ": " + proof.Action + " is allowed without statement " + s.Sid)
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
	p.must(200, journey.Call{Method: "PATCH", Path: "/v1/org", IfMatch: "*", Body: map[string]any{"tax_id": "DE123456789"}}) // so that reading needs the key
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
		c := journey.Call{Method: "GET", Path: "/v1/org"}
		if s.Sid == "TokenUse" { // a use that cannot be told refuses nobody
			id, token := p.newAPIToken("organization:read")
			c.Token = token
			p.must(200, c)
			if used := p.must(200, journey.Call{Method: "GET", Path: "/v1/me/api-tokens/" + id}).Text("used_at"); used != "" {
				t.Errorf("without %s the use is told all the same, at %s", s.Sid, used)
			}
			continue
		}
		if a := p.call(c); a.Status < 400 {
			t.Errorf("without %s the route still answers %d", s.Sid, a.Status)
		}
	}
	cloud.Recorder.ForgiveSince(before)
}
