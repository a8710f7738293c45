package timetracking

import (
	"context"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
)

// MaxDays is how many days one list may span.
const MaxDays = 366

// Everybody asks a list for the time of all members.
const Everybody = "all"

// ListIn is the input of list-time-entries.
type ListIn struct {
	api.Page
	api.Since
	From   string `query:"from" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"The first day; needed unless updated_since or project_id is given." example:"2026-03-01"`
	To     string `query:"to" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"The last day, at most 366 days in all; needed unless updated_since or project_id is given." example:"2026-03-31"`
	Member string `query:"member" maxLength:"64" doc:"Whose time: a member's id, or all, which updated_since does not go with; without it your own. Others' need the right time:read:all."`

	ProjectID string `query:"project_id" maxLength:"64" doc:"Everybody's time on one project; not together with anything but limit and cursor. One that you lead, or any with the right time:read:all."`
}

// ListOut is the answer of list-time-entries.
type ListOut struct{ Body api.Changes[EntryBody] }

// ListTimeEntries lists time by days, or what has changed.
func ListTimeEntries() api.Operation {
	return api.New(api.Route{
		ID: "list-time-entries", Area: "time", Method: http.MethodGet, Path: "/v1/time-entries", PureRead: true,
		Permission: access.TimeReadOwn, Purpose: purpose.ServiceDelivery, Summary: "Time entries of a range of days",
		Description: "One member's in the order of their days; everybody's by month, member and day; with updated_since in the order of the changes. " +
			"Those of a project in the order in which they were begun or written down, the last first; a page may then hold fewer than asked for.",
		Refusals:   []api.Refusal{{Kind: problem.NotFound, Code: "project_not_found", When: "There is no such project in the organization."}, {Kind: problem.Gone, Code: "resync_required", When: "updated_since is older than what is known of deletions."}},
		ExampleOut: api.Changes[EntryBody]{Data: []EntryBody{exampleEntry()}},
	}, func(ctx context.Context, c *api.Caller, in *ListIn) (*ListOut, error) {
		if in.ProjectID != "" {
			return in.ofProject(ctx, c)
		}
		who, err := in.whose(c)
		if err != nil {
			return nil, err
		}
		if !in.UpdatedSince.IsZero() {
			return in.changes(ctx, c, who)
		}
		return in.days(ctx, c, who)
	})
}

// whose is the member whose time is asked for, none for everybody's.
func (in *ListIn) whose(c *api.Caller) (id.Member, error) {
	if in.Member == "" || in.Member == string(c.Member) {
		return c.Member, nil
	}
	if err := c.Needs(access.TimeReadAll); err != nil {
		return "", err
	}
	if in.Member == Everybody {
		return "", nil
	}
	m, err := id.Parse[id.Member](in.Member)
	if err != nil {
		return "", problem.InvalidField("query.member", "not the id of a member, nor all")
	}
	return m, nil
}

// ofProject lists everybody's time on a project.
func (in *ListIn) ofProject(ctx context.Context, c *api.Caller) (*ListOut, error) {
	if !c.May(access.TimeReadLed) {
		return nil, c.Needs(access.TimeReadAll)
	}
	if in.From != "" || in.To != "" || in.Member != "" || !in.UpdatedSince.IsZero() {
		return nil, problem.InvalidField("query.project_id", "not together with from, to, member or updated_since")
	}
	project, err := id.Parse[id.Project](in.ProjectID)
	if err != nil {
		return nil, problem.Missing("project")
	}
	var numbers []string
	out := &ListOut{Body: api.Changes[EntryBody]{Data: []EntryBody{}}}
	g, both := errgroup.WithContext(ctx)
	g.Go(func() error {
		_, err := projects.ViewOf(c, project, access.TimeReadAll).Read(both)
		return err
	})
	g.Go(func() (err error) {
		numbers, out.Body.NextCursor, err = projects.Numbers(both, c.Org, project, min(in.Limit, store.MaxWrites), in.Cursor)
		return api.ListError(err)
	})
	if err := g.Wait(); err != nil || len(numbers) == 0 {
		return out, err
	}
	fetches := make([]*store.Fetch, len(numbers))
	for n, number := range numbers {
		fetches[n] = &store.Fetch{Through: c.Org, Key: entryKey(c.Org.ID, numbered(number)), Row: new(Entry)}
	}
	if err := c.Org.Store().FetchAll(ctx, fetches...); err != nil {
		return nil, err
	}
	for _, f := range fetches { // a number may be a timer's or a file's
		if e := f.Row.(*Entry); f.Err == nil && e.Project == project {
			out.Body.Data = append(out.Body.Data, entryBody(c, e))
		}
	}
	return out, nil
}

func (in *ListIn) changes(ctx context.Context, c *api.Caller, who id.Member) (*ListOut, error) {
	if in.From != "" || in.To != "" {
		return nil, problem.InvalidField("query.updated_since", "not together with from and to")
	}
	if who == "" {
		return nil, problem.InvalidField("query.member", "with updated_since one member at a time")
	}
	if err := c.ChangedSince(in.UpdatedSince); err != nil {
		return nil, err
	}
	page, err := api.ListChanges(ctx, c.Org, store.Query{Index: store.Index2, Partition: c.Org.Scope().Partition(FamilyEntry, string(who)),
		From: store.Instant(in.UpdatedSince), Limit: in.Limit, Cursor: in.Cursor, Tombstones: true}, func(row *Entry) EntryBody { return entryBody(c, row) })
	return &ListOut{page}, err
}

// days lists the months of a range one after the other until the page is full.
func (in *ListIn) days(ctx context.Context, c *api.Caller, who id.Member) (*ListOut, error) {
	months, err := in.months()
	if err != nil {
		return nil, err
	}
	at, place, err := cursorPlace(in.Cursor, len(months))
	if err != nil {
		return nil, err
	}
	out := &ListOut{Body: api.Changes[EntryBody]{Data: []EntryBody{}}}
	for at < len(months) && len(out.Body.Data) < in.Limit {
		q := store.Query{Index: store.Index1, Partition: c.Org.Scope().Partition(FamilyEntry, months[at]), Limit: in.Limit - len(out.Body.Data), From: place}
		if who != "" {
			q.From, q.To = max(place, store.Join(string(who), in.From)), store.Join(string(who), in.To, "~")
		}
		rows, more, err := store.List[Entry](ctx, c.Org, q)
		if err != nil {
			return nil, err
		}
		skipped := false
		for _, row := range rows {
			if skipped, place = in.skip(row); skipped {
				break
			}
			out.Body.Data = append(out.Body.Data, entryBody(c, row))
		}
		if more == "" && !skipped {
			at, place = at+1, ""
		}
	}
	if at < len(months) {
		out.Body.NextCursor = writeCursor(at, place)
	}
	return out, nil
}

// skip says where a list of everybody goes on after an entry, and whether the entry lies outside the range: then it
// goes on at the member's first day of the range, or after the member.
func (in *ListIn) skip(e *Entry) (bool, string) {
	switch {
	case e.Date < in.From:
		return true, store.Join(string(e.Member), in.From)
	case e.Date > in.To:
		return true, store.Join(string(e.Member), "~")
	}
	return false, e.GSI1SK + "!" // nothing sorts between an entry and this
}

// months are those that the range touches.
func (in *ListIn) months() ([]string, error) {
	from, err := time.Parse(time.DateOnly, in.From)
	if err != nil {
		return nil, problem.InvalidField("query.from", "not a date")
	}
	to, err := time.Parse(time.DateOnly, in.To)
	switch {
	case err != nil:
		return nil, problem.InvalidField("query.to", "not a date")
	case to.Before(from):
		return nil, problem.InvalidField("query.to", "before from")
	case to.Sub(from) >= MaxDays*24*time.Hour:
		return nil, problem.InvalidField("query.to", "more than 366 days in all")
	}
	var all []string
	for m := time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, time.UTC); !m.After(to); m = m.AddDate(0, 1, 0) {
		all = append(all, month(m))
	}
	return all, nil
}

func writeCursor(month int, place string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(month) + " " + place))
}

// cursorPlace reads a cursor: which month of the range, and where in it.
func cursorPlace(cursor string, months int) (int, string, error) {
	if cursor == "" {
		return 0, "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return 0, "", api.ListError(store.ErrCursor)
	}
	number, place, ok := strings.Cut(string(text), " ")
	at, err := strconv.Atoi(number)
	if !ok || err != nil || at < 0 || at >= months || !utf8.ValidString(place) {
		return 0, "", api.ListError(store.ErrCursor)
	}
	return at, place, nil
}
