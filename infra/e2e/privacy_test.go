package e2e_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/infra/local/simclock"
)

func (c *caller) askFor(body map[string]any) string {
	c.t.Helper()
	return c.must(201, journey.Call{Method: "POST", Path: "/v1/dsr", Body: body, Key: "key-" + unique()}).Text("id")
}

// packaged asks for access and waits until the package is there.
func (c *caller) packaged() {
	c.t.Helper()
	id := c.askFor(map[string]any{"type": "access", "description": "Everything, please."})
	c.settle()
	if err := c.RunJob(c.t.Context(), "WorkRequests"); err != nil {
		c.t.Fatal(err)
	}
	c.settle()
	c.must(200, journey.Call{Method: "GET", Path: "/v1/dsr/" + id + "/download"})
}

// left gives what is left of a person around its first mark, nothing when all is gone.
func (c *caller) left() string {
	c.t.Helper()
	text, err := c.Raw(c.t.Context(), "table")
	if err != nil {
		c.t.Fatal(err)
	}
	objects, err := c.Raw(c.t.Context(), "objects")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, mark := range []string{c.user, c.person.Email, c.person.Name} {
		for _, where := range []string{text, objects} {
			if i := strings.Index(where, mark); i >= 0 {
				return where[max(0, i-300):min(len(where), i+300)]
			}
		}
	}
	return ""
}

// TestRightsThatTakeEffectWithTheCall objects, withdraws consent, opts out and restricts, and finds each obeyed at once.
func TestRightsThatTakeEffectWithTheCall(t *testing.T) {
	p := signUp(t)
	p.must(201, journey.Call{Method: "POST", Path: "/v1/privacy/consents", Body: p.consent("analytics")})
	p.askFor(map[string]any{"type": "consent_withdrawal", "purpose": "analytics"})
	p.must(404, journey.Call{Method: "DELETE", Path: "/v1/privacy/consents/analytics"}) // there is none any more
	p.askFor(map[string]any{"type": "opt_out"})
	p.askFor(map[string]any{"type": "restriction", "description": "I contest what you hold."})
	if a := p.call(journey.Call{Method: "POST", Path: "/v1/clients", Body: clientBody()}); a.Code() != "processing_restricted" {
		t.Errorf("a change after the restriction = %d %s; want processing_restricted", a.Status, a.Code())
	}
	p.must(200, journey.Call{Method: "GET", Path: "/v1/clients"})
}

// TestARequestIsTakenBackOnce takes an erasure back, twice under one key.
func TestARequestIsTakenBackOnce(t *testing.T) {
	p := signUp(t)
	id := p.askFor(map[string]any{"type": "erasure"})
	c := journey.Call{Method: "POST", Path: "/v1/dsr/" + id + "/withdraw", Key: "key-" + unique()}
	p.must(200, c)
	if a := p.must(200, c); a.Header.Get("Idempotency-Replayed") != "true" {
		t.Error("the repeat is not told as one")
	}
}

// TestAnErasureByRequest erases an account with its packages by a request, at once.
func TestAnErasureByRequest(t *testing.T) {
	p := signUp(t)
	p.newClient()
	p.packaged()
	p.askFor(map[string]any{"type": "erasure", "at_once": true, "description": "Now, please."})
	for range 3 {
		p.settle()
		cloud.Move(func(c *simclock.Clock) { c.Advance(16 * time.Minute) })
		if err := p.RunJob(t.Context(), "WorkRequests"); err != nil {
			t.Fatal(err)
		}
	}
	p.settle()
	cloud.Move(func(c *simclock.Clock) { c.Advance(31 * 24 * time.Hour) }) // what ages by itself: the bindings of sent mails, ids alone
	if err := p.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.settle()
	if mark := p.left(); mark != "" {
		t.Errorf("%s is still there", mark)
	}
}

// TestThePurgeTakesPackagesAlong deletes an account whose package still lies in its bucket when the sweep comes.
func TestThePurgeTakesPackagesAlong(t *testing.T) {
	p := signUp(t)
	p.packaged()
	p.must(202, journey.Call{Method: "DELETE", Path: "/v1/me", Body: p.deletion()})
	p.purge()
	if mark := p.left(); mark != "" {
		t.Errorf("%s is still there", mark)
	}
}

// TestListsOfChanges asks each list for what has changed.
func TestListsOfChanges(t *testing.T) {
	p := signUp(t)
	since := url.QueryEscape(p.now().Add(-time.Minute).Format(time.RFC3339))
	client := p.newClient()
	project := p.newProject(client)
	entry := p.newEntry(project)
	for path, id := range map[string]string{"/v1/clients": client, "/v1/projects": project, "/v1/time-entries": entry} {
		a := p.must(200, journey.Call{Method: "GET", Path: path + "?updated_since=" + since})
		if !strings.Contains(string(a.Body), id) {
			t.Errorf("%s does not show %s among the changes: %s", path, id, a.Body)
		}
	}
}
