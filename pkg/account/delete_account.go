package account

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth/guard"
	"pixeltrack.io/platform/pkg/auth/password"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/organization"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// DeleteIn is the input of delete-account.
type DeleteIn struct{ Body DeleteBody }

// DeleteBody is what a person says to delete their account.
type DeleteBody struct {
	Password      string     `json:"password" maxLength:"1024" doc:"The password, again." example:"a phrase that nobody else uses"`
	Organizations []Decision `json:"organizations,omitempty" maxItems:"25" doc:"What becomes of each organization that you own."`
}

// What may become of an organization whose owner goes.
const (
	actClose    = "close"
	actTransfer = "transfer"
)

// Decision is what becomes of one organization whose owner goes.
type Decision struct {
	OrganizationID string `json:"organization_id" maxLength:"40" example:"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Action         string `json:"action" enum:"close,transfer" example:"close"`
	ToMember       string `json:"to_member,omitempty" maxLength:"40" doc:"Of a transfer: the member who becomes the owner." example:"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

// Deleted says until when a deletion can be undone.
type Deleted struct {
	RestorableUntil time.Time `json:"restorable_until" doc:"Until then the link in the mail restores the account; at that time it is erased."`
}

// DeletedOut is the answer of delete-account.
type DeletedOut struct{ Body Deleted }

// DeleteAccount deletes the caller's account: no session counts any more, and after 30 days everything is erased.
func DeleteAccount(st *store.Store, pseudonyms keys.Pseudonyms, links keys.Links) api.Operation {
	return api.New(api.Route{
		ID: "delete-account", Area: "account", Method: http.MethodDelete, Path: "/v1/me", Audience: api.Users, Rights: true, Audit: true, Status: http.StatusAccepted,
		Summary: "Delete your account", Purpose: purpose.AccountManagement,
		Description: "All sessions end at once. A mail has a link that restores the account, and the organizations that close with it, for 30 days; then everything is erased.",
		ExampleIn: DeleteBody{Password: "a phrase that nobody else uses",
			Organizations: []Decision{{OrganizationID: "org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Action: actClose}}},
		ExampleOut: Deleted{RestorableUntil: time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)},
		Refusals: []api.Refusal{
			{Kind: problem.TooMany, Code: "too_many_attempts", When: "More than ten attempts within 15 minutes from one place."},
			{Kind: problem.Forbidden, Code: "password_wrong", When: "It is not the password of the account."},
			{Kind: problem.Conflict, Code: "organizations_undecided", When: "What becomes of an organization that the caller owns is not said; details.organizations lists their ids."},
			{Kind: problem.NotFound, Code: "member_not_found", When: "The member who is to become the owner is not there."},
		},
	}, func(ctx context.Context, c *api.Caller, in *DeleteIn) (*DeletedOut, error) {
		attempts := guard.New(st, pseudonyms, store.Actor{Who: "delete-account", Request: c.Request}, "delete-account", string(c.User), c.Source)
		if err := attempts.Attempt(ctx); err != nil {
			return nil, err
		}
		for range meetings {
			d, err := decide(ctx, st, c, in.Body)
			if err != nil {
				return nil, err
			}
			tx := st.Begin()
			d.write(tx, st, c, links)
			attempts.Forget(tx)
			err = c.Commit(ctx, tx, string(c.User))
			if errors.Is(err, store.ErrStale) {
				continue
			}
			if err != nil {
				return nil, err
			}
			return &DeletedOut{Body: Deleted{RestorableUntil: clock.At(d.row.Due)}}, nil
		}
		return nil, store.ErrConflict
	})
}

// meetings bounds how often a call meets another writer of the same row.
const meetings = 20

// departure is a deletion that has been thought through.
type departure struct {
	gate     *access.UserGate
	profile  *Profile
	row      *Deletion
	closing  []Belonging
	transfer []handover
}

// handover makes another member the owner of an organization.
type handover struct {
	from Belonging
	to   *access.Access
}

// decide reads what a deletion needs, and refuses it when the password is wrong or an organization is forgotten.
func decide(ctx context.Context, st *store.Store, c *api.Caller, b DeleteBody) (*departure, error) {
	d := &departure{gate: new(access.UserGate), profile: new(Profile)}
	cred := new(Credential)
	fetches := []*store.Fetch{{Through: c.Self, Key: access.UserGateKey(c.User), Row: d.gate}, {Through: c.Self, Key: ProfileKey(c.User), Row: d.profile},
		{Through: c.Self, Key: CredentialKey(c.User), Row: cred}}
	if err := st.FetchAll(ctx, fetches...); err != nil {
		return nil, err
	}
	for _, f := range fetches {
		if errors.Is(f.Err, store.ErrMissing) {
			return nil, problem.Missing("account")
		}
		if f.Err != nil {
			return nil, f.Err
		}
	}
	if d.gate.Deleted != 0 {
		return nil, problem.Of(problem.Unauthenticated, "session_ended", "The session has ended; log in again.")
	}
	if ok, _ := password.Verify(cred.PasswordHash, b.Password); !ok {
		return nil, problem.Of(problem.Forbidden, "password_wrong", "It is not your password.")
	}
	now := c.Now
	d.row = &Deletion{User: c.User, At: now.Unix(), Due: now.Add(retention.Account).Unix(), Organizations: map[id.Organization]access.Status{}}
	memberships, err := Memberships(ctx, c.Self)
	if err != nil {
		return nil, err
	}
	all, err := Belongings(ctx, st, c.Actor(), memberships)
	if err != nil {
		return nil, err
	}
	var undecided []string
	for _, m := range all {
		if m.Access.Role != access.Owner || m.Gate.Status == access.Closing {
			continue
		}
		i := slices.IndexFunc(b.Organizations, func(x Decision) bool { return x.OrganizationID == string(m.Organization) })
		switch {
		case i < 0:
			undecided = append(undecided, string(m.Organization))
		case b.Organizations[i].Action == actClose:
			d.closing = append(d.closing, m)
			d.row.Organizations[m.Organization] = m.Gate.Status
		default:
			to, err := heir(ctx, st, c, m, b.Organizations[i].ToMember)
			if err != nil {
				return nil, err
			}
			d.transfer = append(d.transfer, handover{m, to})
		}
	}
	if len(undecided) > 0 {
		e := problem.Of(problem.Conflict, "organizations_undecided", "Say for each organization that you own whether it is closed or handed over.")
		e.Details = map[string]any{"organizations": undecided}
		return nil, e
	}
	return d, nil
}

// heir is the member who becomes the owner.
func heir(ctx context.Context, st *store.Store, c *api.Caller, m Belonging, name string) (*access.Access, error) {
	member, err := id.Parse[id.Member](name)
	if err != nil || member == m.Member {
		return nil, problem.Missing("member")
	}
	h := st.BindOrganization(m.Organization, store.Actor{Who: string(m.Member), Request: c.Request})
	to, err := store.Get[access.Access](ctx, h, access.AccessKey(m.Organization, member))
	if errors.Is(err, store.ErrMissing) || err == nil && (to.Removed != 0 || to.User == "") {
		return nil, problem.Missing("member")
	}
	return to, err
}

// write adds all of a deletion to a transaction.
func (d *departure) write(tx *store.Tx, st *store.Store, c *api.Caller, links keys.Links) {
	token := keys.HashToken(RestoreToken(links, c.User, d.row.At))
	d.row.TokenHash = token
	link := &RestoreLink{User: c.User, Hash: token}
	link.Expire(clock.At(d.row.Due))

	d.gate.Deleted, d.gate.DueAt, d.gate.Sessions = d.row.At, d.row.Due, nil
	tx.Replace(c.Self, d.gate)
	if !d.gate.Held { // the end of a hold starts the clock
		tx.ArmWake(c.Self, retention.AccountDue(c.User, clock.At(d.row.Due)))
	}
	tx.Put(c.Self, d.row)
	platform := st.BindPlatform(c.Actor())
	tx.Put(platform, link)
	tx.Change(platform, store.MailLookup(d.profile.MailHash), func(u *dynamo.Update) {
		u.Set("expires_at", d.row.Due).If("'user' = ?", c.User)
	})
	outbox.Queue(tx, c.Self, MailDeleted, store.Join(MailDeleted, strconv.FormatInt(d.row.At, 10)), map[string]string{"at": strconv.FormatInt(d.row.At, 10)})
	for _, m := range d.closing {
		organization.Close(tx, bound(st, c, m), m.Gate, clock.At(d.row.At))
	}
	for _, t := range d.transfer {
		h := bound(st, c, t.from)
		t.to.Role, t.from.Access.Role = access.Owner, access.Admin
		t.to.GrantVersion++
		t.from.Access.GrantVersion++
		tx.Replace(h, t.to)
		tx.Replace(h, t.from.Access)
	}
}

func bound(st *store.Store, c *api.Caller, m Belonging) *store.Organization {
	return st.BindOrganization(m.Organization, store.Actor{Who: string(m.Member), Request: c.Request})
}
