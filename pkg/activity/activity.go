// Package activity shows what people do with their work in an organization: who made, changed or deleted what, by ids alone.
// Its rows are read off the table's stream by package feed.
package activity

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/activity/feed"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/audit/trail"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Routes lists the routes about the activity.
func Routes() []api.Operation { return []api.Operation{ListActivity(), ExportActivity()} }

// Rows registers the rows of the feed. An act of somebody who has left or was erased stays, under a member id that leads
// nowhere any more.
func Rows() []registry.Row {
	return []registry.Row{{Sample: feed.Act{}, Type: "ACTIVITY", Area: "organization", Subject: registry.SubjectMember, Purpose: purpose.Collaboration,
		Basis: registry.Contract, Class: registry.ClassActivity, Export: "activity", Family: string(feed.Family), Division: registry.ByMonth,
		Scopes: []registry.Scope{registry.InOrganization}, Fields: []registry.Field{
			registry.Internal("org", "the id of the organization"), registry.Plain("id", "a hash of which change it was"), registry.Plain("kind", "a fixed word"),
			registry.Personal("object", "object", "the id of what was acted on, of a member too", registry.EraseUnlink),
			registry.Plain("parent", "a random id"), registry.Plain("act", "a fixed word"), registry.Plain("status", "a fixed word"),
			registry.Personal("actor", "actor", "who acted: a member id, or a job", registry.EraseUnlink),
			registry.Internal("request", "the id of a request"), registry.Plain("at", "a time"),
		}}}
}

const (
	// usual is how far back a list goes that does not say from when.
	usual = 31 * 24 * time.Hour

	// longest is how long a time one list may span.
	longest = 366 * 24 * time.Hour
)

// ActBody is an act on the wire.
type ActBody struct {
	ID      string    `json:"id" example:"act_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor,omitempty" doc:"A member, or a job of ours as job:<name>. Absent where a row does not tell: of a deletion, which the audit records may name, and of what a client, a provider or one of PixelTrack's own people did." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Act     feed.Verb `json:"act" enum:"created,changed,deleted"`
	Type    string    `json:"type" doc:"What the object is." example:"project"`
	Object  string    `json:"object" doc:"The id of what was acted on; of a project_member the member's." example:"prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCC"`
	Parent  string    `json:"parent,omitempty" doc:"The id of what it belongs to: of a project, contact or invoice the client, of a time entry or project_member the project, of a payment the invoice, of a file what it hangs on." example:"cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCD"`
	Status  string    `json:"status,omitempty" doc:"What the object's state became, where the act changed it: archived, sent, void; of members their role." example:"archived"`
	Request string    `json:"request_id,omitempty"`
}

func show(a *feed.Act) ActBody {
	return ActBody{ID: string(a.ID), At: a.Time(), Actor: a.Actor, Act: a.Verb, Type: a.Kind, Object: a.Object, Parent: a.Parent, Status: a.Status, Request: a.Request}
}

func example() ActBody {
	return ActBody{ID: "act_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", At: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Actor: "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Act: feed.Changed, Type: "project",
		Object: "prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCC", Parent: "cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCD", Status: "archived", Request: "JKJaXmPLvHcESHA="}
}

// Filter is which acts are wanted. Several parts of it narrow it together.
type Filter struct {
	trail.Filter
	Type string `query:"type" enum:"client,contact,project,project_member,time_entry,file,invoice,payment,ticket,member,organization" doc:"Only acts on objects of this type."`
}

// wants says whether the parts of the filter that the order of the acts does not serve let an act through, nil when there
// are none.
func (f Filter) wants() func(*feed.Act) bool {
	if f.Member+f.Object+f.Type == "" {
		return nil
	}
	return func(a *feed.Act) bool {
		return (f.Member == "" || f.Member == a.Actor) && (f.Object == "" || f.Object == a.Object) && (f.Type == "" || f.Type == a.Kind)
	}
}

// list reads the acts of an organization that are wanted, month by month from the newest on, and says with which cursor to
// go on.
func (f Filter) list(ctx context.Context, c *api.Caller, limit int, cursor string) ([]*feed.Act, string, error) {
	at, err := readPlace(cursor)
	if err != nil {
		return nil, "", err
	}
	to := f.To
	if to.IsZero() {
		to = c.Now
	}
	switch {
	case f.From.IsZero() && !at.from.IsZero():
		f.From = at.from // a page belongs to the time that the first one was asked for at
	case f.From.IsZero():
		f.From = to.Add(-usual)
	}
	q, err := f.Query()
	if err != nil {
		return nil, "", err
	}
	if to.Sub(f.From) > longest {
		return nil, "", problem.InvalidField("query.from", "more than 366 days before to")
	}
	months := monthsBack(f.From, to)
	if at.month != "" {
		begun := slices.Index(months, at.month)
		if begun < 0 {
			return nil, "", api.ListError(store.ErrCursor)
		}
		months = months[begun:]
	}
	partitions := make([]string, len(months))
	for i, m := range months {
		partitions[i] = c.Org.Scope().Partition(feed.Family, m)
	}
	q.Limit, q.Cursor = limit, at.cursor
	acts, n, next, err := trail.Search(ctx, c.Org, q, partitions, f.wants())
	if err != nil || n == len(months) {
		return acts, "", api.ListError(err)
	}
	return acts, place{f.From, months[n], next}.String(), nil
}

// monthsBack are the months of a time, the last first. A time that is over before it begins has those of its end.
func monthsBack(from, to time.Time) []string {
	first, last := from.UTC(), to.UTC()
	all := []string{feed.Month(last)}
	for m := time.Date(last.Year(), last.Month(), 1, 0, 0, 0, 0, time.UTC); m.After(first); {
		m = m.AddDate(0, -1, 0)
		all = append(all, feed.Month(m))
	}
	return all
}

// place is where a list goes on: since when it looks, in which month, and where in that.
type place struct {
	from   time.Time
	month  string
	cursor string
}

// String writes the place as an opaque cursor.
func (p place) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join([]string{strconv.FormatInt(p.from.UnixMilli(), 10), p.month, p.cursor}, " ")))
}

// readPlace reads what String wrote; an empty text is the beginning.
func readPlace(text string) (place, error) {
	if text == "" {
		return place{}, nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(text)
	parts := strings.Split(string(plain), " ")
	if err != nil || len(parts) != 3 {
		return place{}, api.ListError(store.ErrCursor)
	}
	from, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return place{}, api.ListError(store.ErrCursor)
	}
	return place{time.UnixMilli(from).UTC(), parts[1], parts[2]}, nil
}

// ListIn is the input of list-activity.
type ListIn struct {
	api.Page
	Filter
}

// ListOut is the answer of list-activity.
type ListOut struct{ Body api.List[ActBody] }

// ListActivity lists what was done in the organization. It tells of everybody's time, of payments and of everybody's tickets
// at once, so it takes the right to read the audit records, which owners and admins have: every other role has a part of
// that hidden from it.
func ListActivity() api.Operation {
	return api.New(api.Route{
		ID: "list-activity", Area: "organization", Method: http.MethodGet, Path: "/v1/org/activity", PureRead: true, Permission: access.AuditRead,
		Summary: "What people do with their work in the organization", Purpose: purpose.Collaboration,
		Description: "Newest first, of the last 31 days unless from says otherwise, of 366 days at most; kept for 365 days. Acts hold ids, never names or values, and appear some seconds after what they tell of. " +
			"Every calendar month that a page reads costs a read of its own. With a filter a page may hold fewer acts than asked for, even none, and still lead on: a call looks at 5,000 acts at most. " +
			"What goes at the end of its retention or by an erasure is no act; nor is it that a contact is deleted or somebody taken off a project, which the audit records tell. " +
			"What jobs change on time entries shows on the invoice or member that they do it for.",
		ExampleOut: api.List[ActBody]{Data: []ActBody{example()}},
	}, func(ctx context.Context, c *api.Caller, in *ListIn) (*ListOut, error) {
		acts, cursor, err := in.list(ctx, c, in.Limit, in.Cursor)
		if err != nil {
			return nil, err
		}
		return &ListOut{api.Shown(acts, cursor, show)}, nil
	})
}

// ExportIn is the input of export-activity.
type ExportIn struct {
	Filter
	Cursor string `query:"cursor" maxLength:"1024" doc:"Next-Cursor of the file before." example:"ZmlsZQ"`
}

// ExportActivity gives what was done in the organization as a file for spreadsheets.
func ExportActivity() api.Operation {
	return api.New(api.Route{
		ID: "export-activity", Area: "organization", Method: http.MethodGet, Path: "/v1/org/activity/export", Permission: access.AuditRead, Audit: true,
		Summary: "What people do with their work in the organization, as CSV", Purpose: purpose.Collaboration, Produces: "text/csv",
		Description: "What list-activity lists. RFC 4180 with a line of names, oldest last, 5,000 acts a file at most; Next-Cursor leads to the next one. Cells that a spreadsheet could run as a formula begin with an apostrophe. That a file was made is recorded.",
		ExampleOut:  "id,at,actor,act,type,object,parent,status,request_id\r\n",
	}, func(ctx context.Context, c *api.Caller, in *ExportIn) (*trail.File, error) {
		acts, next, err := in.list(ctx, c, trail.PerFile, in.Cursor)
		if err != nil {
			return nil, err
		}
		lines := make([][]string, len(acts))
		for i, a := range acts {
			lines[i] = []string{string(a.ID), a.Time().Format(time.RFC3339Nano), a.Actor, string(a.Verb), a.Kind, a.Object, a.Parent, a.Status, a.Request}
		}
		file, err := trail.CSV("activity.csv", next, []string{"id", "at", "actor", "act", "type", "object", "parent", "status", "request_id"}, lines)
		if err != nil {
			return nil, err
		}
		return file, c.Commit(ctx, c.Org.Store().Begin(), string(c.Org.ID))
	})
}
