package invitations

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/members"
	"pixeltrack.io/platform/pkg/named"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
)

// CreateIn is the input of create-invitations.
type CreateIn struct{ Body CreateBody }

// CreateBody is who is to be invited.
type CreateBody struct {
	Invitations []Guest `json:"invitations" minItems:"1" maxItems:"50" nullable:"false"`
}

// Guest is somebody who is to be invited.
type Guest struct {
	Email  string              `json:"email" maxLength:"254" example:"grace@example.com"`
	Role   access.Role         `json:"role" enum:"admin,manager,member,accountant,guest" example:"member"`
	Grants []access.Permission `json:"grants,omitempty" maxItems:"50" maxLength:"60" nullable:"false" doc:"What the member may do beyond the role; see /v1/roles."`

	ProjectIDs []string `json:"project_ids,omitempty" maxItems:"20" maxLength:"64" nullable:"false" doc:"Active projects that the member works on from the first moment. At most 100 in one call." example:"[\"prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB\"]"`
}

// What became of an item.
const (
	Invited = "invited" // a mail is on its way
	Already = "already" // the address has an invitation that stands; nothing was sent
	Refused = "refused"
	Gone    = "gone" // of a repeat: invited then, and accepted, revoked or over since
)

// Result is what became of one item.
type Result struct {
	Status     string          `json:"status" enum:"invited,already,refused,gone" doc:"already: the address has an invitation that stands, which is shown, and no mail was sent. gone: in a repeat of a call, an invitation that has been accepted, revoked or is over since." example:"invited"`
	Code       string          `json:"code,omitempty" doc:"Of a refused item: email_invalid; not_yours_to_give, also of projects whose members you do not manage; or, of a project, project_not_found, project_archived, project_closing or processing_restricted." example:"email_invalid"`
	Invitation *InvitationBody `json:"invitation,omitempty"`
}

// Results are the answer to all items, in their order.
type Results struct {
	Data []Result `json:"data"`
}

// CreateOut is the answer of create-invitations.
type CreateOut struct{ Body Results }

// Inviting counts the invitations that an organization has sent in a day.
type Inviting struct {
	store.Meta
	Count int `dynamo:"count"`
	key   store.Key
}

// Type is the row's type.
func (i *Inviting) Type() string { return "INVITING" }

// Keys puts the count under its day.
func (i *Inviting) Keys() store.Keys { return store.Keys{Primary: i.key} }

// reserveTries bounds how often a call meets another that counts the first mails of a day.
const reserveTries = 20

// reserve counts mails before they are written, so that many calls at once send no more than one may.
func reserve(ctx context.Context, st *store.Store, c *api.Caller, n int) error {
	day := c.Now.UTC().Truncate(24 * time.Hour)
	next := day.Add(24 * time.Hour)
	k := c.Org.Scope().Key(FamilyInviting, day.Format(time.DateOnly))
	for range reserveTries {
		tx := st.Begin()
		tx.Change(c.Org, k, func(u *dynamo.Update) { u.Add("count", n).If("'count' <= ?", MostADay-n) })
		if err := tx.Commit(ctx); !errors.Is(err, store.ErrMissing) {
			return err
		}
		first := &Inviting{Count: n, key: k}
		first.Expire(next)
		tx = st.Begin()
		tx.Create(c.Org, first)
		if err := tx.Commit(ctx); !errors.Is(err, store.ErrExists) {
			return err
		}
		there, err := store.Get[Inviting](ctx, c.Org, k)
		if err == nil && there.Count > MostADay-n {
			break
		}
		if err != nil && !errors.Is(err, store.ErrMissing) {
			return err
		}
	}
	e := problem.Of(problem.TooMany, "too_many_invitations", "An organization sends at most %d invitations a day.", MostADay)
	e.After = next.Sub(c.Now)
	return e
}

func tooMany() api.Refusal {
	return api.Refusal{Kind: problem.TooMany, Code: "too_many_invitations", When: "More than 200 invitations of the organization in a day."}
}

// CreateInvitations invites people by mail. The answer is the same for every address.
func CreateInvitations(st *store.Store, pseudonyms keys.Pseudonyms, links keys.Links) api.Operation {
	shown := example()
	return api.Replayable(api.Route{
		ID: "create-invitations", Area: "organization", Method: http.MethodPost, Path: "/v1/invitations", Permission: access.MembersInvite, Audit: true,
		Summary: "Invite people", Purpose: purpose.Collaboration,
		Description: "Each is mailed a link that works once, for whoever has the address, within 7 days. The answer says nothing of whether an address has an account. Nobody invites into more than they have; only the owner invites admins. When who invites has left, or could no longer invite into as much, the link does not work until somebody who can sends it again. " +
			"Who accepts works on the projects of the invitation; one that is deleted or archived by then, or whose members who invited no longer manages, is passed over.",
		Refusals:   []api.Refusal{tooMany()},
		ExampleIn:  CreateBody{Invitations: []Guest{{Email: shown.Email, Role: shown.Role, ProjectIDs: shown.ProjectIDs}}},
		ExampleOut: Results{Data: []Result{{Status: Invited, Invitation: &shown}}},
	}, func(ctx context.Context, c *api.Caller, in *CreateIn) (*CreateOut, error) {
		for i := range in.Body.Invitations {
			g := &in.Body.Invitations[i]
			var err error
			if g.Grants, err = members.Granted(g.Role, g.Grants, "body.invitations"); err != nil {
				return nil, err
			}
		}
		named, err := in.Body.projects()
		if err != nil {
			return nil, err
		}
		if err := reserve(ctx, st, c, len(in.Body.Invitations)); err != nil {
			return nil, err
		}
		openings, err := projects.HostOf(c).Openings(ctx, named...)
		if err != nil {
			return nil, err
		}
		b := &batch{st: st, c: c, pseudonyms: pseudonyms, links: links, openings: openings}
		for i, g := range in.Body.Invitations {
			if err := b.add(ctx, g, i == len(in.Body.Invitations)-1); err != nil {
				return nil, err
			}
		}
		return &CreateOut{Results{b.results}}, nil
	}, replay)
}

// projects are those that are named, each once. What cannot be the id of one is left out, and found nowhere.
func (b CreateBody) projects() ([]id.Project, error) {
	var all []id.Project
	for _, g := range b.Invitations {
		all = append(all, g.projects()...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) > mostProjects {
		return nil, problem.InvalidField("body.invitations", "more than 100 projects in all")
	}
	return all, nil
}

// projects are those of one invitation, each once.
func (g Guest) projects() []id.Project {
	var all []id.Project
	for _, text := range g.ProjectIDs {
		if p, err := id.Parse[id.Project](text); err == nil && !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

// mostProjects is how many projects one call names, in all its invitations.
const mostProjects = 100

// batch is a call that invites several. Each is invited in a transaction of its own; that of the last one closes the call.
type batch struct {
	st         *store.Store
	c          *api.Caller
	pseudonyms keys.Pseudonyms
	links      keys.Links
	openings   map[id.Project]projects.Opening
	results    []Result
	names      []string // of the results, for a repeat
}

// add invites one, or says why not.
func (b *batch) add(ctx context.Context, g Guest, last bool) error {
	code := ""
	switch {
	case account.Normal(g.Email) == "":
		code = "email_invalid"
	case !b.c.Rights().Gives(access.Rights{}, access.Rights{Role: g.Role, Grants: g.Grants}):
		code = "not_yours_to_give"
	default:
		code = b.shut(g)
	}
	if code != "" {
		b.say(Result{Status: Refused, Code: code}, code)
		return b.close(ctx, last)
	}
	i := &Invitation{Org: b.c.Org.ID, ID: api.NewID[id.Invitation](b.c), Email: strings.TrimSpace(g.Email), MailHash: account.HashOf(b.pseudonyms, g.Email), Named: named.HashOf(b.pseudonyms, g.Email),
		Mark: b.pseudonyms.Of("invitee", string(b.c.Org.ID)+"\n"+account.Normal(g.Email)), Role: g.Role, Grants: g.Grants, Projects: g.projects(), By: b.c.Member, Created: b.c.Now.Unix()}
	link := i.send(b.links, b.c.Now)
	tx := b.st.Begin()
	mark := &Invitee{Invitation: i.ID, key: inviteeKey(i.Org, i.Mark)}
	mark.Expire(b.c.Now.Add(Life))
	tx.Create(b.c.Org, mark).Else(errInvited)
	tx.Create(b.c.Org, i)
	tx.Create(b.st.BindPlatform(b.c.Org.Actor()), link)
	post(tx, b.c.Org, i)
	b.c.AuditItem(tx, string(i.ID))
	body := show(i)
	b.say(Result{Status: Invited, Invitation: &body}, string(i.ID))
	err := b.commit(ctx, tx, last)
	if !errors.Is(err, errInvited) {
		return err
	}
	return b.already(ctx, mark.key, last)
}

// shut is why the caller cannot let somebody into one of the projects of an invitation, empty when they can.
func (b *batch) shut(g Guest) string {
	for _, text := range g.ProjectIDs {
		opening, named := b.openings[id.Project(text)]
		if !named {
			opening = projects.NotFound
		}
		if opening != projects.Opens {
			return string(opening)
		}
	}
	return ""
}

var errInvited = errors.New("invitations: the address is invited")

// already answers with the invitation that an address has.
func (b *batch) already(ctx context.Context, mark store.Key, last bool) error {
	b.results, b.names = b.results[:len(b.results)-1], b.names[:len(b.names)-1]
	m, err := store.Get[Invitee](ctx, b.c.Org, mark)
	var i *Invitation
	if err == nil {
		i, err = store.Get[Invitation](ctx, b.c.Org, Key(b.c.Org.ID, m.Invitation))
	}
	if errors.Is(err, store.ErrMissing) {
		return store.ErrConflict // it was accepted or revoked this moment
	}
	if err != nil {
		return err
	}
	body := show(i)
	b.say(Result{Status: Already, Invitation: &body}, "="+string(i.ID))
	return b.close(ctx, last)
}

func (b *batch) say(r Result, name string) {
	b.results, b.names = append(b.results, r), append(b.names, name)
}

func (b *batch) commit(ctx context.Context, tx *store.Tx, last bool) error {
	if last {
		return b.c.Commit(ctx, tx, strings.Join(b.names, " "))
	}
	return tx.Commit(ctx)
}

// close ends a call whose last item wrote nothing.
func (b *batch) close(ctx context.Context, last bool) error {
	if !last {
		return nil
	}
	b.c.Itemized()
	return b.commit(ctx, b.st.Begin(), true)
}

// post adds the mail of an invitation to a transaction. It lies with the organization, whose invitation it is.
func post(tx *store.Tx, org *store.Organization, i *Invitation) {
	outbox.Queue(tx, org, MailInvited, store.Join(MailInvited, i.tokenID()), map[string]string{"invitation": string(i.ID)})
}

// replay answers what a call said of each item, with the invitations as they are now.
func replay(ctx context.Context, c *api.Caller, made string) (*CreateOut, error) {
	out := &CreateOut{Results{Data: []Result{}}}
	for name := range strings.FieldsSeq(made) {
		bare, already := strings.CutPrefix(name, "=")
		invitation, err := id.Parse[id.Invitation](bare)
		if err != nil {
			out.Body.Data = append(out.Body.Data, Result{Status: Refused, Code: name})
			continue
		}
		r := Result{Status: Invited}
		if already {
			r.Status = Already
		}
		i, err := store.Get[Invitation](ctx, c.Org, Key(c.Org.ID, invitation))
		switch {
		case errors.Is(err, store.ErrMissing):
			r.Status = Gone
		case err != nil:
			return nil, err
		default:
			body := show(i)
			r.Invitation = &body
		}
		out.Body.Data = append(out.Body.Data, r)
	}
	return out, nil
}
