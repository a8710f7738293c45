package projects

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// FamilyMember holds who works on projects, divided by these.
const FamilyMember store.Family = "PROJECTMEMBER"

// MemberRole is what a member of the organization is on a project.
type MemberRole string

// The roles on a project. A lead has there what a right that ends in :led leaves of one over all projects.
const (
	Lead   MemberRole = "lead"
	Worker MemberRole = "member"
)

// Member says that a member of the organization works on a project. Guests see the projects that they work on, and no
// others.
type Member struct {
	store.Meta
	Org     id.Organization `dynamo:"org"`
	Project id.Project      `dynamo:"project"`
	Member  id.Member       `dynamo:"member"`
	Role    MemberRole      `dynamo:"role"`
	Added   int64           `dynamo:"added"` // epoch seconds
}

// Type is the row's type.
func (m *Member) Type() string { return "PROJECTMEMBER" }

// Keys puts members under their project, and lists the projects of a member.
func (m *Member) Keys() store.Keys {
	s := store.OrganizationScope(m.Org)
	return store.Keys{
		Primary: memberKey(m.Org, m.Project, m.Member),
		Index1:  store.Key{PK: s.Partition(FamilyMember, string(m.Member)), SK: string(m.Project)},
	}
}

func memberKey(org id.Organization, p id.Project, m id.Member) store.Key {
	return store.OrganizationScope(org).KeyIn(FamilyMember, string(p), string(m))
}

// dismiss takes everybody off a project that goes, and says how many a hold or a restriction keeps.
func dismiss(ctx context.Context, org *store.Organization, p id.Project) (kept int, err error) {
	_, kept, err = store.Purge(ctx, org, org.Scope().Partition(FamilyMember, string(p)))
	return kept, err
}

// ProjectMemberBody is a member of a project on the wire.
type ProjectMemberBody struct {
	MemberID string     `json:"member_id" example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Role     MemberRole `json:"role" enum:"lead,member" doc:"Who leads a project has there, and on no other, the rights of theirs that end in :led: to change it and who works on it, and to see and change everybody's time on it."`
	AddedAt  time.Time  `json:"added_at"`
}

// MemberOut is the answer of the routes about one member of a project.
type MemberOut struct {
	api.Tagged
	Body ProjectMemberBody
}

func memberBody(m *Member) ProjectMemberBody {
	return ProjectMemberBody{MemberID: string(m.Member), Role: m.Role, AddedAt: time.Unix(m.Added, 0).UTC()}
}

func showMember(m *Member) *MemberOut {
	return &MemberOut{Tagged: api.Tag(m.Version), Body: memberBody(m)}
}

func exampleMember() ProjectMemberBody {
	return ProjectMemberBody{MemberID: "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Role: Worker, AddedAt: example().CreatedAt}
}

// readMember reads a member of a project by ids as they came in.
func readMember(ctx context.Context, org *store.Organization, project, member string) (*Member, error) {
	p, errProject := id.Parse[id.Project](project)
	m, errMember := id.Parse[id.Member](member)
	if errors.Join(errProject, errMember) != nil {
		return nil, problem.Missing("project member")
	}
	row, err := store.Get[Member](ctx, org, memberKey(org.ID, p, m))
	if errors.Is(err, store.ErrMissing) {
		return nil, problem.Missing("project member")
	}
	return row, err
}

func memberMissing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "project_member_not_found", When: "The member does not work on such a project."}
}

// ListMembersIn is the input of list-project-members.
type ListMembersIn struct {
	ByID
	api.Page
}

// ListMembersOut is the answer of list-project-members.
type ListMembersOut struct{ Body api.List[ProjectMemberBody] }

// ListProjectMembers lists who works on a project.
func ListProjectMembers() api.Operation {
	return api.New(api.Route{
		ID: "list-project-members", Area: "projects", Method: http.MethodGet, Path: "/v1/projects/{id}/members", PureRead: true,
		Permission: access.ProjectsRead, Purpose: purpose.Collaboration, Summary: "Who works on a project",
		Description: "In the order of the members' ids, which are random, and does not change. What the organization knows of a member, and their picture, is under /v1/members/{id}.",
		Refusals:    []api.Refusal{missing()}, ExampleOut: api.List[ProjectMemberBody]{Data: []ProjectMemberBody{exampleMember()}},
	}, func(ctx context.Context, c *api.Caller, in *ListMembersIn) (*ListMembersOut, error) {
		p, err := id.Parse[id.Project](in.ID)
		if err != nil {
			return nil, problem.Missing("project")
		}
		out := &ListMembersOut{api.List[ProjectMemberBody]{Data: []ProjectMemberBody{}}}
		var g errgroup.Group // the one does not stop the other: what a call costs does not tell what is there
		g.Go(func() error {
			_, err := Read(ctx, c.Org, in.ID)
			return err
		})
		g.Go(func() error {
			rows, cursor, err := store.List[Member](ctx, c.Org, store.Query{Partition: c.Org.Scope().Partition(FamilyMember, string(p)), Limit: in.Limit, Cursor: in.Cursor})
			for _, m := range rows {
				out.Body.Data = append(out.Body.Data, memberBody(m))
			}
			out.Body.NextCursor = cursor
			return api.ListError(err)
		})
		return out, g.Wait()
	})
}

// CreateMemberIn is the input of create-project-member.
type CreateMemberIn struct {
	ByID
	Body CreateProjectMemberBody
}

// CreateProjectMemberBody says who is to work on a project.
type CreateProjectMemberBody struct {
	MemberID string     `json:"member_id" maxLength:"64" doc:"A member of the organization, guests included." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Role     MemberRole `json:"role,omitempty" enum:"lead,member" default:"member"`
}

// CreateProjectMember lets a member work on a project.
func CreateProjectMember(st *store.Store) api.Operation {
	return api.Replayable(api.Route{
		ID: "create-project-member", Area: "projects", Method: http.MethodPost, Path: "/v1/projects/{id}/members", Status: http.StatusCreated, ReadsAhead: true,
		Permission: access.ProjectsWriteLed, Purpose: purpose.Collaboration, Summary: "Let a member work on a project",
		Description: "One that you lead, or any with the right projects:write. A guest sees it from now on; a lead acts as one from their very next call.",
		Refusals: []api.Refusal{notLed(), missing(), isClosing(), {Kind: problem.NotFound, Code: "member_not_found", When: "There is no such member in the organization, or nobody can act as it."},
			{Kind: problem.Conflict, Code: "project_member_exists", When: "The member works on the project already."}},
		ExampleIn: CreateProjectMemberBody{MemberID: exampleMember().MemberID, Role: Lead}, ExampleOut: exampleMember(),
	}, func(ctx context.Context, c *api.Caller, in *CreateMemberIn) (*MemberOut, error) {
		member, err := id.Parse[id.Member](in.Body.MemberID)
		if err != nil {
			return nil, problem.Missing("member")
		}
		p, err := reach(ctx, c, in.ID, access.ProjectsWrite, seesAll(c))
		if err != nil {
			return nil, err
		}
		if p.Status == Closing {
			return nil, closing()
		}
		m := &Member{Org: c.Org.ID, Project: p.ID, Member: member, Role: in.Body.Role, Added: c.Now.Unix()}
		tx := st.Begin()
		tx.Check(c.Org, access.AccessKey(c.Org.ID, member), "attribute_exists('user') AND attribute_not_exists('removed')").Else(problem.Missing("member"))
		tx.Create(c.Org, m).Else(problem.Of(problem.Conflict, "project_member_exists", "The member works on the project already."))
		if err := c.Commit(ctx, tx, store.Join(string(p.ID), string(member))); err != nil {
			return nil, err
		}
		return showMember(m), nil
	}, func(ctx context.Context, c *api.Caller, made string) (*MemberOut, error) {
		parts := store.Parts(made)
		if len(parts) != 2 {
			return nil, problem.Missing("project member")
		}
		m, err := OfMember{ByID: ByID{parts[0]}, MemberID: parts[1]}.reach(ctx, c)
		if err != nil {
			return nil, err
		}
		return showMember(m), nil
	})
}

// OfMember names a member of a project and the version that is meant.
type OfMember struct {
	ByID
	MemberID string `path:"member_id" maxLength:"64" doc:"The member." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	api.IfMatch
}

// read gives the member that is meant, in the version that is meant, when the caller manages who works on the project.
func (in OfMember) read(ctx context.Context, c *api.Caller) (*Member, error) {
	m, err := in.reach(ctx, c)
	if err != nil {
		return nil, err
	}
	return m, in.Matches(m.Version)
}

func (in OfMember) reach(ctx context.Context, c *api.Caller) (*Member, error) {
	p, err := id.Parse[id.Project](in.ID)
	if err != nil {
		return nil, problem.Missing("project member")
	}
	at := placeOf(c, p, access.ProjectsWrite, seesAll(c))
	if at.own == nil {
		return readMember(ctx, c.Org, in.ID, in.MemberID)
	}
	target := at.own
	if in.MemberID != string(c.Member) {
		m, err := id.Parse[id.Member](in.MemberID)
		if err != nil {
			return nil, problem.Missing("project member")
		}
		target = &store.Fetch{Through: c.Org, Key: memberKey(c.Org.ID, p, m), Row: new(Member)}
	}
	fetches := at.fetches()
	if target != at.own {
		fetches = append(fetches, target)
	}
	if err := c.Org.Store().FetchAll(ctx, fetches...); err != nil {
		return nil, err
	}
	err = errors.Join(target.Err, at.unseen())
	if errors.Is(err, store.ErrMissing) {
		return nil, problem.Missing("project member")
	}
	if err != nil {
		return nil, err
	}
	return target.Row.(*Member), at.Needs()
}

// UpdateMemberIn is the input of update-project-member.
type UpdateMemberIn struct {
	OfMember
	Body UpdateProjectMemberBody
}

// UpdateProjectMemberBody is what a member becomes on a project.
type UpdateProjectMemberBody struct {
	Role MemberRole `json:"role" enum:"lead,member" example:"lead"`
}

// UpdateProjectMember changes what a member is on a project.
func UpdateProjectMember(st *store.Store) api.Operation {
	e := exampleMember()
	e.Role = Lead
	return api.New(api.Route{
		ID: "update-project-member", Area: "projects", Method: http.MethodPatch, Path: "/v1/projects/{id}/members/{member_id}", ReadsAhead: true,
		Permission: access.ProjectsWriteLed, Purpose: purpose.Collaboration, Summary: "Change what a member is on a project",
		Description: "On one that you lead, or on any with the right projects:write. It acts at the member's very next call.",
		Refusals:    []api.Refusal{notLed(), memberMissing()}, ExampleIn: UpdateProjectMemberBody{Role: Lead}, ExampleOut: e,
	}, func(ctx context.Context, c *api.Caller, in *UpdateMemberIn) (*MemberOut, error) {
		m, err := in.read(ctx, c)
		if err != nil {
			return nil, err
		}
		m.Role = in.Body.Role
		tx := st.Begin()
		tx.Replace(c.Org, m)
		if err := c.Commit(ctx, tx, string(m.Member)); err != nil {
			return nil, err
		}
		return showMember(m), nil
	})
}

// DeleteProjectMember takes a member off a project.
func DeleteProjectMember(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "delete-project-member", Area: "projects", Method: http.MethodDelete, Path: "/v1/projects/{id}/members/{member_id}", Status: http.StatusNoContent, ReadsAhead: true, Audit: true,
		Permission: access.ProjectsWriteLed, Purpose: purpose.Collaboration, Summary: "Take a member off a project",
		Description: "Off one that you lead, or off any with the right projects:write. What they did stays. A guest does not see the project any more, and who led it does so no more, from their very next call.",
		Refusals:    []api.Refusal{notLed(), memberMissing()},
	}, func(ctx context.Context, c *api.Caller, in *OfMember) (*struct{}, error) {
		m, err := in.read(ctx, c)
		if err != nil {
			return nil, err
		}
		tx := st.Begin()
		tx.Delete(c.Org, m)
		return nil, c.Commit(ctx, tx, string(m.Member))
	})
}

// listOwn lists the projects that the caller works on.
func (in *ListIn) listOwn(ctx context.Context, c *api.Caller) (*ListOut, error) {
	if !in.UpdatedSince.IsZero() {
		return nil, problem.InvalidField("query.updated_since", "needs the right to see all projects")
	}
	q := store.Query{Index: store.Index1, Partition: c.Org.Scope().Partition(FamilyMember, string(c.Member)), Limit: min(in.Limit, store.MaxWrites), Cursor: in.Cursor}
	rows, cursor, err := store.List[Member](ctx, c.Org, q)
	if err != nil {
		return nil, api.ListError(err)
	}
	out := &ListOut{api.Changes[ProjectBody]{Data: []ProjectBody{}, NextCursor: cursor}}
	if len(rows) == 0 {
		return out, nil
	}
	fetches := make([]*store.Fetch, len(rows))
	for n, m := range rows {
		fetches[n] = &store.Fetch{Through: c.Org, Key: Key(c.Org.ID, m.Project), Row: new(Project)}
	}
	if err := c.Org.Store().FetchAll(ctx, fetches...); err != nil {
		return nil, err
	}
	for _, f := range fetches {
		p := f.Row.(*Project)
		if f.Err == nil && (in.Status == "" || p.Status == in.Status) && (in.ClientID == "" || string(p.Client) == in.ClientID) {
			out.Body.Data = append(out.Body.Data, body(c, p))
		}
	}
	return out, nil
}
