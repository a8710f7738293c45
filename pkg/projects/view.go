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
	row *store.Fetch
	on  *store.Fetch // that the caller works on it; nil for who need not
}

// ViewOf is the look of a caller at a project. It is for their member to say which projects they see: an API token narrows
// what is done, not where.
func ViewOf(c *api.Caller, p id.Project) *View { return viewOf(c, p, seesAll(c)) }

func viewOf(c *api.Caller, p id.Project, all bool) *View {
	v := &View{row: &store.Fetch{Through: c.Org, Key: Key(c.Org.ID, p), Row: new(Project)}}
	if !all {
		v.on = membership(c, p)
	}
	return v
}

func seesAll(c *api.Caller) bool { return access.Allows(c.Role, c.Grants, access.ProjectsRead) }

func membership(c *api.Caller, p id.Project) *store.Fetch {
	return &store.Fetch{Through: c.Org, Key: memberKey(c.Org.ID, p, c.Member), Row: new(Member)}
}

// Fetches are the rows to read.
func (v *View) Fetches() []*store.Fetch {
	if v.on == nil {
		return []*store.Fetch{v.row}
	}
	return []*store.Fetch{v.row, v.on}
}

// Project is what was found; project_not_found when there is no such project, or the caller does not see it.
func (v *View) Project() (*Project, error) {
	err := v.row.Err
	if v.on != nil {
		err = errors.Join(err, v.on.Err)
	}
	if errors.Is(err, store.ErrMissing) {
		return nil, problem.Missing("project")
	}
	return v.row.Row.(*Project), err
}

// See reads a project that the caller sees, by an id as it came in.
func See(ctx context.Context, c *api.Caller, text string) (*Project, error) {
	return see(ctx, c, text, seesAll(c))
}

func see(ctx context.Context, c *api.Caller, text string, all bool) (*Project, error) {
	if all {
		return Read(ctx, c.Org, text)
	}
	p, err := id.Parse[id.Project](text)
	if err != nil {
		return nil, problem.Missing("project")
	}
	v := viewOf(c, p, all)
	if err := c.Org.Store().FetchAll(ctx, v.Fetches()...); err != nil {
		return nil, err
	}
	return v.Project()
}

// Seen says which of some projects the caller sees, in at most one trip. Whether they are there it does not say.
func Seen(ctx context.Context, c *api.Caller, all ...id.Project) (map[id.Project]bool, error) {
	seen := map[id.Project]bool{}
	var fetches []*store.Fetch
	for _, p := range all {
		if _, twice := seen[p]; twice {
			continue
		}
		if seen[p] = seesAll(c); !seen[p] {
			fetches = append(fetches, membership(c, p))
		}
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
