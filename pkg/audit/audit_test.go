package audit_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/audit"
	"pixeltrack.io/platform/pkg/members"
)

func TestTheRecordsOfAnOrganization(t *testing.T) {
	w := apitest.New(t)
	owner, foreign := w.Organization(), w.Organization()
	bob := w.Member(owner.Org, access.Contributor)
	var days []time.Time
	for _, role := range []string{"manager", "guest", "member"} {
		days = append(days, w.Clock.Now())
		w.Want(w.Call(members.UpdateMember(w.Store), owner, apitest.Request{Path: "/v1/members/" + string(bob.Member), IfMatch: "*", Body: map[string]any{"role": role}}), http.StatusOK, "")
		owner = w.Later(owner, 24*time.Hour)
	}
	list := func(c apitest.Caller, query string) api.List[audit.RecordBody] {
		t.Helper()
		a := w.Call(audit.ListAudit(), c, apitest.Request{Path: "/v1/audit?" + query})
		w.Want(a, http.StatusOK, "")
		if strings.Contains(string(a.Body), string(owner.User)) {
			t.Errorf("the records name a user: %s", a.Body)
		}
		var l api.List[audit.RecordBody]
		a.Into(t, &l)
		return l
	}
	at := func(d time.Time) string { return url.QueryEscape(d.Format(time.RFC3339)) }
	for _, tt := range []struct {
		query string
		want  int
	}{{"", 3}, {"limit=2", 2}, {"from=" + at(days[1]), 2}, {"to=" + at(days[1]), 1}, {"from=" + at(days[1]) + "&to=" + at(days[2]), 1}, {"from=" + at(days[2].Add(time.Second)), 0}} {
		if l := list(owner, tt.query); len(l.Data) != tt.want {
			t.Errorf("%q has %d records; want %d", tt.query, len(l.Data), tt.want)
		}
	}
	first := list(owner, "limit=2")
	next := list(owner, "limit=2&cursor="+first.NextCursor)
	if r := first.Data[0]; r.Actor != string(owner.Member) || r.Object != string(bob.Member) || r.Action != "update-member" || r.Outcome != "done" || !r.At.Equal(days[2]) {
		t.Errorf("the newest record is %+v; want the last change", r)
	}
	if len(next.Data) != 1 || !next.Data[0].At.Equal(days[0]) {
		t.Errorf("the second page is %+v; want the first change", next.Data)
	}
	foreign.Token = w.Token(foreign)
	if l := list(foreign, ""); len(l.Data) != 0 {
		t.Errorf("another organization sees %d records; want none", len(l.Data))
	}
	for _, role := range []access.Role{access.Manager, access.Contributor, access.Accountant, access.Guest} {
		w.Want(w.Call(audit.ListAudit(), w.Member(owner.Org, role), apitest.Request{}), http.StatusForbidden, "permission_denied")
	}
	w.Want(w.Call(audit.ListAudit(), owner, apitest.Request{Path: "/v1/audit?from=" + at(days[1]) + "&to=" + at(days[1])}), http.StatusUnprocessableEntity, "invalid_input")
}
