package projects

import (
	"context"
	"errors"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

// Host is a member who lets somebody that is yet to come into projects.
type Host struct {
	Org     *store.Organization // what the host is on projects is read through it
	Member  id.Member
	SeesAll bool // projects; otherwise those that the host works on
	Manages bool // who works on the projects that the host sees
	Leads   bool // who works on the projects that the host leads
}

// HostOf is a caller as a host.
func HostOf(c *api.Caller) Host {
	return Host{Org: c.Org, Member: c.Member, SeesAll: seesAll(c), Manages: c.May(access.ProjectsWrite), Leads: c.May(access.ProjectsWriteLed)}
}

// HostBy is a member as a host, by their row.
func HostBy(org *store.Organization, a *access.Access) Host {
	r := a.Rights()
	return Host{Org: org, Member: a.Member, SeesAll: r.May(access.ProjectsRead), Manages: r.May(access.ProjectsWrite), Leads: r.May(access.ProjectsWriteLed)}
}

// Opening says whether a host can let somebody into a project.
type Opening string

// Why a project is closed to whom a host would let in.
const (
	Opens          Opening = ""
	NotFound       Opening = "project_not_found" // or the host does not see it
	NotYours       Opening = "not_yours_to_give"
	ArchivedNow    Opening = "project_archived"
	ClosingNow     Opening = "project_closing"
	RestrictedData Opening = "processing_restricted"
)

// Openings says of some projects, each named once, whether the host can let somebody into them. It takes one trip, or none
// for no project. Nothing binds it: whoever is let in later is let in by what is found then.
func (h Host) Openings(ctx context.Context, all ...id.Project) (map[id.Project]Opening, error) {
	if len(all) == 0 {
		return nil, nil
	}
	rows, own := make([]*store.Fetch, len(all)), make([]*store.Fetch, len(all))
	var fetches []*store.Fetch
	for n, p := range all {
		rows[n] = &store.Fetch{Through: h.Org, Key: Key(h.Org.ID, p), Row: new(Project)}
		fetches = append(fetches, rows[n])
		if !h.SeesAll || !h.Manages && h.Leads {
			own[n] = &store.Fetch{Through: h.Org, Key: memberKey(h.Org.ID, p, h.Member), Row: new(Member)}
			fetches = append(fetches, own[n])
		}
	}
	if err := h.Org.Store().FetchAll(ctx, fetches...); err != nil {
		return nil, err
	}
	openings := map[id.Project]Opening{}
	for n, p := range all {
		openings[p] = h.opening(rows[n], own[n])
	}
	return openings, nil
}

func (h Host) opening(row, own *store.Fetch) Opening {
	p := row.Row.(*Project)
	on := own != nil && own.Err == nil
	switch {
	case errors.Is(row.Err, store.ErrMissing) || !h.SeesAll && !on:
		return NotFound
	case !h.Manages && !(h.Leads && on && own.Row.(*Member).Role == Lead):
		return NotYours
	case row.Err != nil || p.Restricted: // whatever the host may see
		return RestrictedData
	case p.Status == Archived:
		return ArchivedNow
	case p.Status == Closing:
		return ClosingNow
	}
	return Opens
}

// Admit adds to a transaction that a member who is new works on projects that were open a moment ago. Who deletes a
// project says so first and looks a minute later, so that is enough.
func Admit(tx *store.Tx, org *store.Organization, m id.Member, at time.Time, all ...id.Project) {
	for _, p := range all {
		tx.Create(org, &Member{Org: org.ID, Project: p, Member: m, Role: Worker, Added: at.Unix()})
	}
}
