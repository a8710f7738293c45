package activity_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/activity"
	"pixeltrack.io/platform/pkg/activity/feed"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/audit"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// world is an organization that looks back from the 10th of March 2026.
type world struct {
	*apitest.World
	owner apitest.Caller
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: apitest.New(t)}
	w.owner = w.Organization()
	w.owner = w.Later(w.owner, 8*24*time.Hour)
	return w
}

// did keeps an act of somebody on a client some days ago.
func (w *world) did(org id.Organization, who id.Member, object string, daysAgo int) {
	w.T.Helper()
	at := w.Clock.Now().AddDate(0, 0, -daysAgo)
	a := &feed.Act{Org: org, ID: id.Derived[id.Act](at, object), Kind: "client", Object: object, Verb: feed.Created, Actor: string(who), Request: "r", At: at.UnixMilli()}
	a.Expire(at.Add(feed.Life))
	if err := feed.Keep(context.Background(), w.Store, store.Actor{Who: "test"}, []*feed.Act{a}); err != nil {
		w.T.Fatal(err)
	}
}

// objects goes through a list to its end, and gives what it tells of and on how many pages.
func (w *world) objects(c apitest.Caller, query string) (all []string, pages int) {
	w.T.Helper()
	for cursor := ""; ; {
		a := w.Call(activity.ListActivity(), c, apitest.Request{Path: "/v1/org/activity?" + query + "&cursor=" + url.QueryEscape(cursor)})
		w.Want(a, http.StatusOK, "")
		var page api.List[activity.ActBody]
		a.Into(w.T, &page)
		for _, act := range page.Data {
			all = append(all, act.Object)
		}
		pages++
		if cursor = page.NextCursor; cursor == "" || pages > 50 {
			return all, pages
		}
	}
}

func TestTheActivityOfAnOrganization(t *testing.T) {
	w := newWorld(t)
	bob := w.Member(w.owner.Org, access.Contributor)
	for _, days := range []int{400, 367, 200, 40, 30, 20, 1, 0} {
		who := w.owner.Member
		if days == 20 {
			who = bob.Member
		}
		w.did(w.owner.Org, who, fmt.Sprint("day-", days), days)
	}
	foreign := w.Organization()
	w.did(foreign.Org, foreign.Member, "theirs", 1)
	day := func(ago int) string { return w.Clock.Now().AddDate(0, 0, -ago).Format(time.RFC3339) }
	tests := []struct {
		name, query string
		want        []string
	}{
		{"31 days without a word", "", []string{"day-0", "day-1", "day-20", "day-30"}},
		{"a page at a time", "limit=1", []string{"day-0", "day-1", "day-20", "day-30"}},
		{"the year; what is older than 365 days has gone", "from=" + day(366), []string{"day-0", "day-1", "day-20", "day-30", "day-40", "day-200"}},
		{"some weeks long ago", "from=" + day(210) + "&to=" + day(35), []string{"day-40", "day-200"}},
		{"31 days before an end", "to=" + day(25), []string{"day-30", "day-40"}},
		{"the end is not in it, the beginning is", "from=" + day(20) + "&to=" + day(1), []string{"day-20"}},
		{"one member's", "member_id=" + string(bob.Member), []string{"day-20"}},
		{"one object's", "limit=1&object=day-30", []string{"day-30"}},
		{"one type's", "type=client&limit=2", []string{"day-0", "day-1", "day-20", "day-30"}},
		{"another type's", "type=invoice", nil},
		{"from a time to come", "from=" + day(-1), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, pages := (&world{w.In(t), w.owner}).objects(w.owner, tt.query); !slices.Equal(got, tt.want) {
				t.Errorf("%q = %v on %d pages; want %v", tt.query, got, pages, tt.want)
			}
		})
	}
	if got, _ := w.objects(foreign, ""); !slices.Equal(got, []string{"theirs"}) {
		t.Errorf("another organization sees %v; want its own", got)
	}
	for _, query := range []string{"from=" + day(1) + "&to=" + day(1), "from=" + day(367), "from=" + day(800) + "&to=" + day(400), "cursor=nonsense", "cursor=MSAyMDI2LTAzIA", "type=consent", "limit=0"} {
		w.Want(w.Call(activity.ListActivity(), w.owner, apitest.Request{Path: "/v1/org/activity?" + query}), http.StatusUnprocessableEntity, "invalid_input")
	}
}

func TestAPageLeadsOnAlsoWhenTheDayIsOver(t *testing.T) {
	w := newWorld(t)
	for days := range 3 {
		w.did(w.owner.Org, w.owner.Member, fmt.Sprint("day-", 10*days), 10*days)
	}
	var first, second api.List[activity.ActBody]
	w.Call(activity.ListActivity(), w.owner, apitest.Request{Path: "/v1/org/activity?limit=2"}).Into(t, &first)
	w.owner = w.Later(w.owner, 25*time.Hour)
	w.Call(activity.ListActivity(), w.owner, apitest.Request{Path: "/v1/org/activity?limit=2&cursor=" + first.NextCursor}).Into(t, &second)
	if len(second.Data) != 1 || second.Data[0].Object != "day-20" || second.NextCursor != "" {
		t.Errorf("the second page = %+v; want day-20", second)
	}
	w.Want(w.Call(activity.ListActivity(), w.Organization(), apitest.Request{Path: "/v1/org/activity?limit=2&cursor=" + first.NextCursor}), http.StatusUnprocessableEntity, "invalid_input")
}

func TestOnlyWhoSeesEverythingSeesTheActivity(t *testing.T) {
	w := newWorld(t)
	for _, role := range access.Roles() {
		if role == access.Owner {
			continue
		}
		status, code := http.StatusForbidden, "permission_denied"
		if role == access.Admin {
			status, code = http.StatusOK, ""
		}
		c := w.Member(w.owner.Org, role)
		w.Want(w.Call(activity.ListActivity(), c, apitest.Request{}), status, code)
		w.Want(w.Call(activity.ExportActivity(), c, apitest.Request{}), status, code)
	}
	w.Want(w.Call(activity.ListActivity(), apitest.Caller{}, apitest.Request{}), http.StatusUnauthorized, "")
}

func TestTheActivityAsAFile(t *testing.T) {
	w := newWorld(t)
	w.did(w.owner.Org, w.owner.Member, "=1+1", 0)
	w.did(w.owner.Org, w.owner.Member, "cli_2", 20)
	a := w.Call(activity.ExportActivity(), w.owner, apitest.Request{})
	w.Want(a, http.StatusOK, "")
	lines := strings.Split(strings.TrimSuffix(string(a.Body), "\r\n"), "\r\n")
	if len(lines) != 3 || lines[0] != "id,at,actor,act,type,object,parent,status,request_id" ||
		!strings.HasSuffix(lines[1], ",2026-03-10T09:00:00Z,"+string(w.owner.Member)+",created,client,'=1+1,,,r") || !strings.Contains(lines[2], ",cli_2,") ||
		!strings.HasPrefix(a.Header.Get("Content-Type"), "text/csv") || !strings.Contains(a.Header.Get("Content-Disposition"), "activity.csv") || a.Header.Get("Next-Cursor") != "" {
		t.Errorf("the file is %q, %v; want the names and two acts", a.Body, a.Header)
	}
	var page api.List[audit.RecordBody]
	w.Call(audit.ListAudit(), w.owner, apitest.Request{Path: "/v1/audit?action=export-activity"}).Into(t, &page)
	if len(page.Data) != 1 || page.Data[0].Actor != string(w.owner.Member) {
		t.Errorf("the audit records of it are %+v; want one", page.Data)
	}
}
