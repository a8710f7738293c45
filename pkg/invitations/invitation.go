// Package invitations is how people come into an organization: by a mailed link that is bound to the address it was sent
// to, works once, and ends after a week. Whether an address has an account is never looked up when it is invited.
package invitations

import (
	"context"
	"errors"
	"strconv"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/named"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// The families of invitations, of the marks that keep an address from being invited twice, and of the counts of mails.
const (
	Family         store.Family = "INVITATION"
	FamilyInvitee  store.Family = "INVITEE"
	FamilyInviting store.Family = "INVITING"
)

const (
	// Life is how long an invitation stands after it was last sent.
	Life = 7 * 24 * time.Hour
	// MostSent is how often one invitation is sent.
	MostSent = 5
	// MostADay is how many invitations an organization sends in a day.
	MostADay = 200
)

// LinkPurpose is what the token of an invitation's link is for.
const LinkPurpose = "invitation"

// Invitation is an invitation that stands. It goes when it is accepted, revoked, or its week is over.
type Invitation struct {
	store.Meta
	Org       id.Organization     `dynamo:"org"`
	ID        id.Invitation       `dynamo:"id"`
	Email     string              `dynamo:"email"`
	MailHash  string              `dynamo:"mail_hash"`  // which account the address is
	Named     string              `dynamo:"named"`      // who is invited, by the hash that they are found by when they ask
	Mark      string              `dynamo:"mark"`       // under which the address is marked as invited here
	TokenHash string              `dynamo:"token_hash"` // of the link that was sent last
	Role      access.Role         `dynamo:"role"`
	Grants    []access.Permission `dynamo:"grants,omitempty"`
	Projects  []id.Project        `dynamo:"projects,omitempty"` // that whoever accepts works on
	By        id.Member           `dynamo:"invited_by"`         // who sent it last
	Sent      int                 `dynamo:"sent"`               // how often
	SentAt    int64               `dynamo:"sent_at"`            // epoch seconds
	Created   int64               `dynamo:"created"`            // likewise

	inviter *access.Access // as Find saw it
	open    []id.Project   // of the projects, those that the inviter could let somebody into then
}

// Type is the row's type.
func (i *Invitation) Type() string { return "INVITATION" }

// Keys puts invitations under their organization in order of time, and lists them for who is invited.
func (i *Invitation) Keys() store.Keys {
	return store.Keys{Primary: Key(i.Org, i.ID), Index1: named.Key(i.Named, string(i.Org), string(i.ID))}
}

// Key is where an invitation lies.
func Key(org id.Organization, i id.Invitation) store.Key {
	return store.OrganizationScope(org).Key(Family, string(i))
}

// tokenID is what the token of an invitation's link is derived from: each time it is sent another.
func (i *Invitation) tokenID() string { return string(i.ID) + "." + strconv.Itoa(i.Sent) }

// send makes the invitation one that is sent once more at a time, with a link of its own, and gives the link's row.
func (i *Invitation) send(links keys.Links, at time.Time) *Link {
	i.Sent++
	i.SentAt = at.Unix()
	i.TokenHash = keys.HashToken(links.Token(LinkPurpose, i.tokenID()))
	i.Expire(at.Add(Life))
	l := &Link{Org: i.Org, Invitation: i.ID, By: i.By, Hash: i.TokenHash}
	l.Expire(at.Add(Life))
	return l
}

// Link leads from the hash of an invitation's token to the invitation, and to who sent it.
type Link struct {
	store.Meta
	Org        id.Organization `dynamo:"org"`
	Invitation id.Invitation   `dynamo:"invitation"`
	By         id.Member       `dynamo:"invited_by"`
	Hash       string          `dynamo:"-"`
}

// Type is the row's type.
func (l *Link) Type() string { return "INVITATION_LINK" }

// Keys puts the link under its token's hash.
func (l *Link) Keys() store.Keys { return store.Keys{Primary: store.TokenLookup(l.Hash)} }

// Invitee marks an address as invited, under a hash that is the organization's own.
type Invitee struct {
	store.Meta
	Invitation id.Invitation `dynamo:"invitation"`
	key        store.Key
}

// Type is the row's type.
func (i *Invitee) Type() string { return "INVITEE" }

// Keys puts the mark under the hash.
func (i *Invitee) Keys() store.Keys {
	if i.key.IsZero() {
		return store.Keys{Primary: store.Key{PK: i.PK, SK: i.SK}}
	}
	return store.Keys{Primary: i.key}
}

func inviteeKey(org id.Organization, mark string) store.Key {
	return store.OrganizationScope(org).Key(FamilyInvitee, mark)
}

// Spend adds to a transaction that an invitation is used up or revoked: it goes with its mark and its link, and only once.
// It fails with store.ErrStale.
func (i *Invitation) Spend(tx *store.Tx, org *store.Organization) {
	tx.Delete(org, i)
	tx.DeleteKey(org, inviteeKey(i.Org, i.Mark), "attribute_not_exists('PK') OR 'invitation' = ?", i.ID).Else(store.ErrStale)
	tx.DeleteKey(org.Store().BindPlatform(org.Actor()), store.TokenLookup(i.TokenHash), "")
}

// rights are what whoever accepts may do.
func (i *Invitation) rights() access.Rights { return access.Rights{Role: i.Role, Grants: i.Grants} }

// vouchedBy says whether a member could still send the invitation: it is worth no more than who sent it.
func (i *Invitation) vouchedBy(a *access.Access) bool {
	return a.Live() && a.Rights().May(access.MembersInvite) && a.Rights().Gives(access.Rights{}, i.rights())
}

// ErrChanged is that the rights of who sent an invitation changed while it was being accepted: look again.
var ErrChanged = errors.New("invitations: the rights of the sender have changed")

// Accept adds to a transaction that the invitation, as Find gave it, is used up by somebody who becomes a member, and works
// on its projects. It fails with store.ErrStale when another was first, and with ErrChanged when the rights of who sent it
// changed since.
func (i *Invitation) Accept(tx *store.Tx, org *store.Organization, m id.Member, at time.Time) {
	i.Spend(tx, org)
	projects.Admit(tx, org, m, at, i.open...)
	tx.Check(org, access.AccessKey(i.Org, i.By), "'user' = ? AND 'grant_version' = ?", i.inviter.User, i.inviter.GrantVersion).Else(ErrChanged)
}

// Find gives the invitation of a link, with the handle of its organization. One that is unknown, used, revoked, resent or
// over, or whose sender has left or could no longer send it, is the same: invitation_not_found.
func Find(ctx context.Context, st *store.Store, actor store.Actor, token string) (*Invitation, *store.Organization, error) {
	l, err := follow(ctx, st, actor, token)
	if err != nil {
		return nil, nil, err
	}
	org := st.BindOrganization(l.Org, actor)
	inviters := st.BindOrganization(l.Org, actor)
	inviters.SeeRestricted() // the invitation is the organization's, whatever its sender asked for
	i, gate, by := new(Invitation), new(access.OrganizationGate), new(access.Access)
	fetches := []*store.Fetch{{Through: org, Key: Key(l.Org, l.Invitation), Row: i}, {Through: org, Key: access.OrganizationGateKey(l.Org), Row: gate},
		{Through: inviters, Key: access.AccessKey(l.Org, l.By), Row: by}}
	if err := st.FetchAll(ctx, fetches...); err != nil {
		return nil, nil, err
	}
	for _, f := range fetches {
		if errors.Is(f.Err, store.ErrMissing) {
			return nil, nil, NotFound()
		}
		if f.Err != nil {
			return nil, nil, f.Err
		}
	}
	if i.TokenHash != keys.HashToken(token) || gate.Status != access.Active || !i.vouchedBy(by) {
		return nil, nil, NotFound()
	}
	i.inviter = by
	openings, err := projects.HostBy(inviters, by).Openings(ctx, i.Projects...)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range i.Projects {
		if openings[p] == projects.Opens {
			i.open = append(i.open, p)
		}
	}
	return i, org, nil
}

// follow gives the row that a token leads to. One that leads nowhere is invitation_not_found.
func follow(ctx context.Context, st *store.Store, actor store.Actor, token string) (*Link, error) {
	l, err := store.Get[Link](ctx, st.BindPlatform(actor), store.TokenLookup(keys.HashToken(token)))
	if errors.Is(err, store.ErrMissing) {
		return nil, NotFound()
	}
	return l, err
}

// NotFound is the refusal of an invitation that is not there, for whatever reason.
func NotFound() error { return problem.Missing("invitation") }

// Refusal documents NotFound.
func Refusal() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "invitation_not_found", When: "The invitation is unknown, used, revoked or over, or not yours."}
}

// AcceptRefusal documents NotFound where an invitation is accepted.
func AcceptRefusal() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "invitation_not_found", When: "The invitation is unknown, used, revoked or over, or to another address, or who sent it has left or could no longer send it."}
}

// Routes lists the routes about invitations.
func Routes() []api.Operation {
	return []api.Operation{CreateInvitations(nil, keys.Pseudonyms{}, keys.Links{}), ListInvitations(), GetInvitation(), ResendInvitation(nil, keys.Links{}), DeleteInvitation(nil), DeclineInvitation(nil)}
}

// Rows registers the rows about invitations.
func Rows() []registry.Row {
	in := []registry.Scope{registry.InOrganization}
	return []registry.Row{
		{Sample: Invitation{}, Type: "INVITATION", Area: "organization", Subject: registry.SubjectInvitee, Purpose: purpose.Collaboration, Basis: registry.Contract,
			Class: registry.ClassSecurity, Export: "invitations", Family: string(Family), Scopes: in, Fields: []registry.Field{
				registry.Internal("org", "the id of the organization"), registry.Plain("id", "a random id"),
				registry.Personal("email", "email", "who is invited", registry.EraseWithRow),
				registry.Secret("mail_hash", "a keyed hash of the address, which finds its account when the invitation is accepted", registry.EraseWithRow),
				registry.Secret("named", "a keyed hash of the address, which finds the invitation when its person asks about their data", registry.EraseWithRow),
				registry.Secret("mark", "a keyed hash of the address, so that it is invited once", registry.EraseWithRow),
				registry.Leading(registry.Secret("token_hash", "the hash of the link that was sent", registry.EraseWithRow), registry.LookupToken),
				registry.Plain("role", "a fixed word"), registry.Plain("grants", "fixed words"), registry.Plain("projects", "random ids"),
				registry.Personal("invited_by", "invited_by", "who invites, by random id", registry.EraseUnlink),
				registry.Plain("sent", "a count"), registry.Plain("sent_at", "a time"), registry.Plain("created", "a time"),
			}},
		{Sample: Invitee{}, Type: "INVITEE", Area: "organization", Subject: registry.SubjectInvitee, Purpose: purpose.Collaboration, Basis: registry.Contract,
			Class: registry.ClassSecurity, Family: string(FamilyInvitee), Scopes: in, Fields: []registry.Field{registry.Internal("invitation", "a random id")}},
		{Sample: Inviting{}, Type: "INVITING", Area: "organization", Purpose: purpose.Security, Basis: registry.Interest,
			Class: registry.ClassSecurity, Family: string(FamilyInviting), Scopes: in, Fields: []registry.Field{registry.Internal("count", "a count")}},
		{Sample: Uninvited{}, Type: "UNINVITED", Area: "organization", Subject: registry.SubjectInvitee, Purpose: purpose.PrivacyRights, Basis: registry.Obligation,
			Class: registry.ClassLedger, Family: string(FamilyUninvited), Scopes: []registry.Scope{registry.InCase}, Fields: []registry.Field{
				registry.Secret("hash", "a keyed hash of the address, which no invitation is mailed to; it outlives an erasure, so that it goes on counting", registry.KeepForDuty),
				registry.Internal("why", "a fixed word"), registry.Internal("since", "a time"),
			}},
		{Sample: Link{}, Type: "INVITATION_LINK", Area: "organization", Subject: registry.SubjectInvitee, Purpose: purpose.Collaboration, Basis: registry.Contract,
			Class: registry.ClassSecurity, Family: "TOKEN", Scopes: []registry.Scope{registry.InLookup}, Fields: []registry.Field{
				registry.Internal("org", "the id of the organization"), registry.Internal("invitation", "a random id"),
				registry.Internal("invited_by", "the random id of who invites"),
			}},
	}
}

// InvitationBody is an invitation on the wire.
type InvitationBody struct {
	ID     string              `json:"id" example:"ivt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Email  string              `json:"email" example:"grace@example.com"`
	Role   access.Role         `json:"role" example:"member"`
	Grants []access.Permission `json:"grants"`

	ProjectIDs []string `json:"project_ids" doc:"The projects that whoever accepts works on, if they are active then." example:"[\"prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB\"]"`

	InvitedBy string    `json:"invited_by" doc:"The member who sent it last. It works as long as they could send it." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Sent      int       `json:"times_sent" doc:"At most 5." example:"1"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func show(i *Invitation) InvitationBody {
	b := InvitationBody{ID: string(i.ID), Email: i.Email, Role: i.Role, Grants: append([]access.Permission{}, i.Grants...), ProjectIDs: []string{},
		InvitedBy: string(i.By), Sent: i.Sent, CreatedAt: time.Unix(i.Created, 0).UTC(), ExpiresAt: time.Unix(i.SentAt, 0).UTC().Add(Life)}
	for _, p := range i.Projects {
		b.ProjectIDs = append(b.ProjectIDs, string(p))
	}
	return b
}

func example() InvitationBody {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).Unix()
	return show(&Invitation{ID: "ivt_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Email: "grace@example.com", Role: access.Contributor, Projects: []id.Project{"prj_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"},
		By: "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Sent: 1, SentAt: at, Created: at})
}
