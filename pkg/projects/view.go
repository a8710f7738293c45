package projects

import (
	"context"
	"errors"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// View is a look at a project through the eyes of a caller, read together with whatever else they need. Who sees all
// projects sees it; anybody else, as a guest, sees those that they work on, and any other is like one that never was.
type View struct {
	place
	row *store.Fetch
}

// ViewOf is the look of a caller at a project, for what a right over all projects allows, or for seeing it alone. It is for
// their member to say which projects they see: an API token narrows what is done, not where.
func ViewOf(c *api.Caller, p id.Project, right access.Permission) *View {
	return viewOf(c, p, right, seesAll(c))
}

func viewOf(c *api.Caller, p id.Project, right access.Permission, all bool) *View {
	return &View{place: placeOf(c, p, right, all), row: &store.Fetch{Through: c.Org, Key: Key(c.Org.ID, p), Row: new(Project)}}
}

func seesAll(c *api.Caller) bool { return access.Allows(c.Role, c.Grants, access.ProjectsRead) }

// Fetches are the rows to read.
func (v *View) Fetches() []*store.Fetch { return append([]*store.Fetch{v.row}, v.fetches()...) }

// Project is what was found; project_not_found when there is no such project, or the caller does not see it.
func (v *View) Project() (*Project, error) {
	err := errors.Join(v.row.Err, v.unseen())
	if errors.Is(err, store.ErrMissing) {
		return nil, problem.Missing("project")
	}
	return v.row.Row.(*Project), err
}

// Read reads the project. What the caller sees and has no right to is permission_denied.
func (v *View) Read(ctx context.Context) (*Project, error) {
	if err := v.c.Org.Store().FetchAll(ctx, v.Fetches()...); err != nil {
		return nil, err
	}
	p, err := v.Project()
	if err != nil {
		return nil, err
	}
	return p, v.Needs()
}

// See reads a project that the caller sees, by an id as it came in.
func See(ctx context.Context, c *api.Caller, text string) (*Project, error) {
	return reach(ctx, c, text, "", seesAll(c))
}

// reach reads a project that the caller sees and has a right to, by an id as it came in.
func reach(ctx context.Context, c *api.Caller, text string, right access.Permission, all bool) (*Project, error) {
	p, err := id.Parse[id.Project](text)
	if err != nil {
		return nil, problem.Missing("project")
	}
	v := viewOf(c, p, right, all)
	if v.own == nil {
		return Read(ctx, c.Org, text)
	}
	return v.Read(ctx)
}

// place is what a caller is on a project, where that matters.
type place struct {
	c     *api.Caller
	right access.Permission // over all projects; none for seeing them alone
	all   bool              // the caller sees all projects
	own   *store.Fetch      // nil for who sees all and has the right over all
}

func placeOf(c *api.Caller, p id.Project, right access.Permission, all bool) place {
	w := place{c: c, right: right, all: all}
	if !all || right != "" && !c.May(right) {
		w.own = &store.Fetch{Through: c.Org, Key: memberKey(c.Org.ID, p, c.Member), Row: new(Member)}
	}
	return w
}

func (w place) fetches() []*store.Fetch {
	if w.own == nil {
		return nil
	}
	return []*store.Fetch{w.own}
}

// unseen is store.ErrMissing when the caller does not see the project.
func (w place) unseen() error {
	if w.all {
		return nil
	}
	return w.own.Err
}

// Needs refuses who has the right neither over all projects nor, leading this one, over those that they lead.
func (w place) Needs() error {
	if w.right == "" || w.own != nil && w.own.Err == nil && w.own.Row.(*Member).Role == Lead && w.c.May(access.Part(w.right)) {
		return nil
	}
	return w.c.Needs(w.right)
}

// Leads says whether the caller leads a project. What that lets them do, their permissions that end in :led say.
func Leads(ctx context.Context, c *api.Caller, p id.Project) (bool, error) {
	m, err := store.Get[Member](ctx, c.Org, memberKey(c.Org.ID, p, c.Member))
	if errors.Is(err, store.ErrMissing) || errors.Is(err, store.ErrRestricted) {
		return false, nil
	}
	return err == nil && m.Role == Lead, err
}

// Seen says which of some projects the caller sees, in at most one trip. Whether they are there it does not say.
func Seen(ctx context.Context, c *api.Caller, all ...id.Project) (map[id.Project]bool, error) {
	seen := map[id.Project]bool{}
	var fetches []*store.Fetch
	for _, p := range all {
		if _, twice := seen[p]; twice {
			continue
		}
		at := placeOf(c, p, "", seesAll(c))
		seen[p] = at.all
		fetches = append(fetches, at.fetches()...)
	}
	if len(fetches) == 0 {
		return seen, nil
	}
	if err := c.Org.Store().FetchAll(ctx, fetches...); err != nil {
		return nil, err
	}
	for _, f := range fetches {
		if f.Err == nil {
			seen[f.Row.(*Member).Project] = true
		}
	}
	return seen, nil
}
