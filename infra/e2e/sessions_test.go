package e2e_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/pkg/auth"
)

func (c *caller) sessions() []auth.SessionBody {
	c.t.Helper()
	var list auth.SessionList
	if err := json.Unmarshal(c.must(http.StatusOK, journey.Call{Method: "GET", Path: "/v1/me/sessions"}).Body, &list); err != nil {
		c.t.Fatal(err)
	}
	return list.Data
}

// session is the id of the session that the person calls with.
func (c *caller) session() string {
	c.t.Helper()
	for _, s := range c.sessions() {
		if s.Current {
			return s.ID
		}
	}
	c.t.Fatal("no session is the current one")
	return ""
}

// TestALostDeviceIsLoggedOut names a session, and ends it from another one.
func TestALostDeviceIsLoggedOut(t *testing.T) {
	p := signUp(t)
	lost := *p
	session := lost.session()
	lost.must(200, journey.Call{Method: "PATCH", Path: "/v1/me/sessions/" + session, Body: map[string]any{"name": "The one on the train"}})
	p.logIn()
	all := p.sessions()
	if len(all) != 2 || all[0].ID != session || all[0].Name != "The one on the train" || all[0].Current || !all[1].Current {
		t.Errorf("the sessions are %+v; want the named one and the current one", all)
	}
	p.must(204, journey.Call{Method: "DELETE", Path: "/v1/me/sessions/" + session})
	if a := lost.call(journey.Call{Method: "GET", Path: "/v1/me"}); a.Status != 401 {
		t.Errorf("the next call of the lost device = %d; want 401", a.Status)
	}
	stranger := signUp(t)
	if a := stranger.call(journey.Call{Method: "DELETE", Path: "/v1/me/sessions/" + p.session()}); a.Status != 404 {
		t.Errorf("ending a stranger's session = %d; want 404", a.Status)
	}
	before := *p
	p.logIn()
	p.must(204, journey.Call{Method: "DELETE", Path: "/v1/me/sessions"})
	if a := before.call(journey.Call{Method: "GET", Path: "/v1/me"}); a.Status != 401 {
		t.Errorf("the next call of another session = %d; want 401", a.Status)
	}
	if all := p.sessions(); len(all) != 1 {
		t.Errorf("%d sessions are left; want the current one", len(all))
	}
}
