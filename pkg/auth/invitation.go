package auth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth/guard"
	"pixeltrack.io/platform/pkg/auth/password"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invitations"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/policies"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/policy"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// AcceptIn is the input of accept-invitation.
type AcceptIn struct{ Body AcceptBody }

// AcceptBody is what accepts an invitation without being signed in.
type AcceptBody struct {
	Token    string     `json:"token" minLength:"1" maxLength:"200" doc:"From the link in the mail." example:"0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"`
	Password string     `json:"password" maxLength:"1024" doc:"Of the account that the address has, or the one chosen for a new account." example:"a phrase that nobody else uses"`
	Person   *NewPerson `json:"new_account,omitempty" doc:"What a new account begins with; required, and asked for, when the address has none."`
}

// NewPerson is what somebody says who has no account.
type NewPerson struct {
	DateOfBirth   string `json:"date_of_birth" format:"date" doc:"Asked to find out whether the person is 13 or older, and old enough to consent to anything themself; not kept." example:"1990-04-01"`
	Name          string `json:"name" minLength:"1" maxLength:"100" example:"Grace Example"`
	Country       string `json:"country" pattern:"^[A-Z]{2}$" doc:"Where the person lives: ISO 3166-1 alpha-2." example:"DE"`
	Region        string `json:"region,omitempty" pattern:"^[A-Z0-9]{1,3}$" doc:"The part of the country: ISO 3166-2 without the country." example:"BE"`
	PolicyVersion int    `json:"policy_version" doc:"The version of the privacy policy that the person agreed to." example:"1"`
	PolicyHash    string `json:"policy_hash" pattern:"^[0-9a-f]{64}$" doc:"The SHA-256 of the text that was shown." example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
}

// Joined names what somebody has become a member of.
type Joined struct {
	User         Named `json:"user"`
	Organization Named `json:"organization"`
	Member       Named `json:"member"`
}

// JoinedOut is the answer of accept-invitation and join-organization.
type JoinedOut struct{ Body Joined }

func exampleJoined() Joined {
	return Joined{Named{"usr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}, Named{"org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}, Named{"mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"}}
}

func joinRefusals() []api.Refusal {
	return []api.Refusal{invitations.AcceptRefusal(),
		{Kind: problem.Conflict, Code: "already_member", When: "The account is a member of the organization. The invitation stays."},
		{Kind: problem.Conflict, Code: "too_many_organizations", When: "The account belongs to 30 organizations."}}
}

// AcceptInvitation makes whoever has the address of an invitation a member: of the account that the address has, by its
// password, or by a new account, whose address is confirmed by the link itself.
func AcceptInvitation(st *store.Store, pseudonyms keys.Pseudonyms) api.Operation {
	return api.New(api.Route{
		ID: "accept-invitation", Area: "auth", Method: http.MethodPost, Path: "/v1/auth/invitations/accept", Audience: api.Public, Audit: true, Status: http.StatusCreated,
		Summary: "Accept an invitation", Purpose: purpose.AccountManagement,
		Description: "By the token of the mailed link, with the password of the address's account, or with what a new account begins with. Then log in. Who is signed in joins by /v1/auth/invitations/join.",
		ExampleIn: AcceptBody{Token: "0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc", Password: "a phrase that nobody else uses",
			Person: &NewPerson{DateOfBirth: "1990-04-01", Name: "Grace Example", Country: "DE", PolicyVersion: 1, PolicyHash: policy.Versions()[0].SHA256()}},
		ExampleOut: exampleJoined(),
		Refusals: append(joinRefusals(), tooManyAttempts(),
			api.Refusal{Kind: problem.Unauthenticated, Code: "invalid_credentials", When: "The address has an account, and it is not its password."},
			api.Refusal{Kind: problem.Forbidden, Code: "sign_in_required", When: "The account has a second factor, or was deleted: sign in, or restore it, and join."},
			api.Refusal{Kind: problem.Forbidden, Code: "under_age", When: "The person is younger than 13, or said so before in this browser. Nothing is kept."}),
	}, func(ctx context.Context, c *api.Caller, in *AcceptIn) (*JoinedOut, error) {
		tooYoung := false
		if p := in.Body.Person; p != nil {
			v, err := policies.InEffect(ctx, st.BindPlatform(c.Actor()), c.Now)
			if err != nil {
				return nil, err
			}
			born, err := p.check(c, v)
			if err != nil {
				return nil, err
			}
			tooYoung = !purpose.OldEnough(born, purpose.ConsentAge(p.Country), c.Now)
		}
		attempts := guard.New(st, pseudonyms, store.Actor{Who: "accept-invitation", Request: c.Request}, "accept-invitation", keys.HashToken(in.Body.Token), c.Source)
		if err := attempts.Attempt(ctx); err != nil {
			return nil, err
		}
		i, org, err := invitations.Find(ctx, st, store.Actor{Who: "accept-invitation", Request: c.Request}, in.Body.Token)
		if err != nil {
			return nil, err
		}
		marker, err := store.Get[account.Address](ctx, st.BindPlatform(org.Actor()), store.MailLookup(i.MailHash))
		switch {
		case errors.Is(err, store.ErrMissing):
			return signUpInto(ctx, st, c, org, i, in.Body, tooYoung, attempts)
		case err != nil:
			return nil, err
		}
		h := st.BindUser(marker.User, store.Actor{Who: string(marker.User), Request: c.Request})
		h.SeeRestricted()
		cred, gate, err := credentialOf(ctx, st, h)
		if err != nil {
			return nil, err
		}
		if ok, _ := password.Verify(cred.PasswordHash, in.Body.Password); !ok {
			return nil, invalidCredentials()
		}
		if gate.SecondFactor || gate.Deleted != 0 {
			return nil, problem.Of(problem.Forbidden, "sign_in_required", "Sign in to your account and accept the invitation there.")
		}
		return join(ctx, st, c, h, org, i, attempts.Forget)
	})
}

// check refuses what no new account can begin with, and gives the date of birth, which is not kept.
func (p *NewPerson) check(c *api.Caller, v policy.Version) (born time.Time, err error) {
	if born, err = oldEnough(c, p.DateOfBirth); err != nil {
		return born, err
	}
	if p.PolicyVersion != v.Number {
		return born, problem.InvalidField("body.new_account.policy_version", "not the version that is in effect")
	}
	if p.PolicyHash != v.SHA256() {
		return born, problem.InvalidField("body.new_account.policy_hash", "not the hash of the version that is in effect")
	}
	return born, nil
}

// signUpInto makes an account of the address of an invitation, and a member of it.
func signUpInto(ctx context.Context, st *store.Store, c *api.Caller, org *store.Organization, i *invitations.Invitation, b AcceptBody, tooYoung bool, attempts *guard.Counter) (*JoinedOut, error) {
	if b.Person == nil {
		return nil, problem.InvalidField("body.new_account", "the address has no account yet; say what a new one begins with")
	}
	if why := password.Weak(b.Password, i.Email, b.Person.Name); why != "" {
		return nil, problem.InvalidField("body.password", why)
	}
	user := api.NewID[id.User](c)
	h := st.BindUser(user, store.Actor{Who: string(user), Request: c.Request})
	tx := st.Begin()
	newAccount(tx, st, c, &SignUpRequest{Name: b.Person.Name, Email: i.Email, MailHash: i.MailHash, PasswordHash: password.Hash(b.Password), Country: b.Person.Country,
		Region: b.Person.Region, Policy: b.Person.PolicyVersion, PolicyHash: b.Person.PolicyHash, Accepted: c.Now.Unix(), IP: privacy.Truncate(c.Source), TooYoung: tooYoung}, user)
	member := enter(tx, c, h, org, i, nil)
	attempts.Forget(tx)
	err := tx.Commit(ctx)
	if errors.Is(err, invitations.ErrChanged) {
		return nil, store.ErrConflict
	}
	if errors.Is(err, store.ErrStale) || errors.Is(err, errUsed) { // a twin was first, or the address has an account by now
		return nil, invitations.NotFound()
	}
	if err != nil {
		return nil, err
	}
	return &JoinedOut{Joined{Named{string(user)}, Named{string(org.ID)}, Named{string(member)}}}, nil
}

// JoinIn is the input of join-organization.
type JoinIn struct{ Body JoinBody }

// JoinBody is an invitation's token.
type JoinBody struct {
	Token string `json:"token" minLength:"1" maxLength:"200" doc:"From the link in the mail." example:"0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"`
}

// JoinOrganization makes the caller a member, by an invitation to the address of their account.
func JoinOrganization(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "join-organization", Area: "auth", Method: http.MethodPost, Path: "/v1/auth/invitations/join", Audience: api.Users, Audit: true, Status: http.StatusCreated,
		Summary: "Accept an invitation, signed in", Purpose: purpose.AccountManagement,
		Description: "The invitation must be to the address of the account. Then switch to the organization.",
		ExampleIn:   JoinBody{Token: "0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"}, ExampleOut: exampleJoined(), Refusals: joinRefusals(),
	}, func(ctx context.Context, c *api.Caller, in *JoinIn) (*JoinedOut, error) {
		i, org, err := invitations.Find(ctx, st, c.Actor(), in.Body.Token)
		if err != nil {
			return nil, err
		}
		p, err := store.Get[account.Profile](ctx, c.Self, account.ProfileKey(c.User))
		if errors.Is(err, store.ErrMissing) || err == nil && p.MailHash != i.MailHash {
			return nil, invitations.NotFound()
		}
		if err != nil {
			return nil, err
		}
		return join(ctx, st, c, c.Self, org, i, func(*store.Tx) {})
	})
}

// join makes an account a member by an invitation, once however many try at the same time.
func join(ctx context.Context, st *store.Store, c *api.Caller, h *store.User, org *store.Organization, i *invitations.Invitation, with func(*store.Tx)) (*JoinedOut, error) {
	memberships, err := account.Memberships(ctx, h)
	if err != nil {
		return nil, err
	}
	var was *account.Membership
	if at := slices.IndexFunc(memberships, func(m *account.Membership) bool { return m.Organization == org.ID }); at >= 0 {
		was = memberships[at]
		live, err := account.Belongings(ctx, st, h.Actor(), []*account.Membership{was})
		if err != nil {
			return nil, err
		}
		if len(live) > 0 {
			return nil, problem.Of(problem.Conflict, "already_member", "You are a member of this organization already.")
		}
	}
	if was == nil && len(memberships) >= account.MaxMemberships {
		return nil, problem.Of(problem.Conflict, "too_many_organizations", "An account belongs to at most %d organizations.", account.MaxMemberships)
	}
	tx := st.Begin()
	member := enter(tx, c, h, org, i, was)
	c.AuditFor(tx, h, string(org.ID), "done")
	with(tx)
	err = tx.Commit(ctx)
	if errors.Is(err, invitations.ErrChanged) {
		return nil, store.ErrConflict
	}
	if errors.Is(err, store.ErrStale) || errors.Is(err, store.ErrExists) {
		return nil, invitations.NotFound()
	}
	if err != nil {
		return nil, err
	}
	return &JoinedOut{Joined{Named{string(h.ID)}, Named{string(org.ID)}, Named{string(member)}}}, nil
}

// enter adds to a transaction that somebody becomes a member and the invitation is used up. A membership of that
// organization which has ended makes room.
func enter(tx *store.Tx, c *api.Caller, h *store.User, org *store.Organization, i *invitations.Invitation, was *account.Membership) id.Member {
	member, now := api.NewID[id.Member](c), c.Now.Unix()
	inside := h.Store().BindOrganization(org.ID, store.Actor{Who: string(member), Request: c.Request})
	m := &account.Membership{User: h.ID, Organization: org.ID, Member: member, Joined: now}
	if was == nil {
		tx.Create(h, m)
	} else {
		m.Version = was.Version
		tx.Replace(h, m)
	}
	tx.Create(inside, &access.Access{Organization: org.ID, Member: member, User: h.ID, Role: i.Role, Grants: i.Grants, GrantVersion: 1, Joined: now})
	i.Accept(tx, inside, member, c.Now)
	c.AuditIn(tx, inside, member, string(i.ID), "done")
	return member
}
