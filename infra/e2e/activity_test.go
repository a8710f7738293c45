package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"pixeltrack.io/platform/infra/journey"
	"pixeltrack.io/platform/pkg/activity"
	"pixeltrack.io/platform/pkg/api"
)

// acted is what the activity feed tells of an organization, the last first: type, act, status and whether it was the caller.
func (c *caller) acted(query string) []string {
	c.t.Helper()
	c.settle()
	var page api.List[activity.ActBody]
	if err := json.Unmarshal(c.must(200, journey.Call{Method: http.MethodGet, Path: "/v1/org/activity?" + query}).Body, &page); err != nil {
		c.t.Fatal(err)
	}
	self := c.self()
	var all []string
	for _, a := range page.Data {
		all = append(all, fmt.Sprintf("%s %s %s %v", a.Type, a.Act, a.Status, a.Actor == self))
	}
	return all
}

// TestWhatPeopleDoIsInTheFeed works with a client from its beginning to its end: each act is in the feed once, also when the
// stream gives its changes again, and what other rows count of it is none.
func TestWhatPeopleDoIsInTheFeed(t *testing.T) {
	p := signUp(t)
	client := p.newClient()
	path := "/v1/clients/" + client
	contact := p.newContact(client)
	p.must(200, journey.Call{Method: http.MethodPost, Path: path + "/archive", IfMatch: "*"})
	p.must(204, journey.Call{Method: http.MethodDelete, Path: contact, IfMatch: "*"})
	p.must(204, journey.Call{Method: http.MethodDelete, Path: path, IfMatch: "*"})
	want := []string{"client deleted  false", "client changed archived true", "client created  true"}
	for range 2 {
		if got := p.acted("object=" + client); !slices.Equal(got, want) {
			t.Errorf("the feed of the client is %q; want %q", got, want)
		}
	}
	if got := p.acted("type=organization"); !slices.Equal(got, []string{"organization created  true"}) {
		t.Errorf("the feed of the organization is %q; want its beginning", got)
	}
	other, _ := p.colleague("manager")
	if a := other.call(journey.Call{Method: http.MethodGet, Path: "/v1/org/activity"}); a.Status != http.StatusForbidden {
		t.Errorf("a manager reads the feed: %d; want it refused", a.Status)
	}
	if got := p.acted("type=member"); len(got) != 2 {
		t.Errorf("the feed of members is %q; want the owner and who joined", got)
	}
}
