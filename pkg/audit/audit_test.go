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
	"pixeltrack.io/platform/pkg/audit/chain"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/members"
)

// unsigned is a witness before the first head was signed.
var unsigned = chain.Witness{Heads: new(blobtest.Bucket)}

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

func TestRecordsAreFilteredAndExported(t *testing.T) {
	w := apitest.New(t)
	owner := w.Organization()
	bob, cy := w.Member(owner.Org, access.Contributor), w.Member(owner.Org, access.Admin)
	update := func(as apitest.Caller, role string, status int) {
		t.Helper()
		if a := w.Call(members.UpdateMember(w.Store), as, apitest.Request{Path: "/v1/members/" + string(bob.Member), IfMatch: "*", Body: map[string]any{"role": role}}); a.Status != status {
			t.Fatalf("update = %d %s; want %d", a.Status, a.Body, status)
		}
		w.Clock.Advance(time.Second)
	}
	for range 30 {
		update(owner, "guest", http.StatusOK)
		update(owner, "member", http.StatusOK)
	}
	update(cy, "guest", http.StatusOK)
	count := func(query string) (n, pages int, all string) {
		t.Helper()
		cursor := ""
		for {
			a := w.Call(audit.ListAudit(), owner, apitest.Request{Path: "/v1/audit?limit=10&" + query + "&cursor=" + url.QueryEscape(cursor)})
			w.Want(a, http.StatusOK, "")
			var l api.List[audit.RecordBody]
			a.Into(t, &l)
			if len(l.Data) > 10 {
				t.Fatalf("a page of %d records; want 10 at most", len(l.Data))
			}
			n, pages, all = n+len(l.Data), pages+1, all+string(a.Body)
			if cursor = l.NextCursor; cursor == "" || pages > 50 {
				return n, pages, all
			}
		}
	}
	for _, tt := range []struct {
		query string
		want  int
	}{{"member_id=" + string(cy.Member), 1}, {"member_id=" + string(owner.Member), 60}, {"object=" + string(bob.Member), 61}, {"action=update-member&outcome=done", 61},
		{"action=remove-member", 0}, {"member_id=" + string(bob.Member), 0}} {
		if n, pages, _ := count(tt.query); n != tt.want {
			t.Errorf("%q has %d records on %d pages; want %d", tt.query, n, pages, tt.want)
		}
	}
	a := w.Call(audit.ExportAudit(), owner, apitest.Request{Path: "/v1/audit/export?member_id=" + string(cy.Member)})
	w.Want(a, http.StatusOK, "")
	lines := strings.Split(strings.TrimSuffix(string(a.Body), "\r\n"), "\r\n")
	if len(lines) != 2 || lines[0] != "id,at,actor,action,object,outcome,request_id,purpose" || !strings.Contains(lines[1], string(cy.Member)+",update-member,"+string(bob.Member)+",done,") ||
		!strings.HasPrefix(a.Header.Get("Content-Type"), "text/csv") || a.Header.Get("Next-Cursor") != "" {
		t.Errorf("the file is %q, %v; want the names and one record", a.Body, a.Header)
	}
	if n, _, _ := count("action=export-audit"); n != 1 {
		t.Errorf("%d records of the export; want 1", n)
	}
	w.Want(w.Call(audit.ExportAudit(), bob, apitest.Request{}), http.StatusForbidden, "permission_denied")
	w.Want(w.Call(audit.VerifyAudit(unsigned), bob, apitest.Request{}), http.StatusForbidden, "permission_denied")
	verified := w.Call(audit.VerifyAudit(unsigned), owner, apitest.Request{})
	w.Want(verified, http.StatusOK, "")
	if !strings.Contains(string(verified.Body), `"intact":true`) {
		t.Errorf("the verification = %s", verified.Body)
	}
	if a := w.Call(audit.VerifyAudit(unsigned), owner, apitest.Request{Path: "/v1/audit/verification?cursor=nonsense"}); a.Status != http.StatusUnprocessableEntity && a.Status != http.StatusBadRequest {
		t.Errorf("a verification from nonsense = %d %s", a.Status, a.Body)
	}
}
