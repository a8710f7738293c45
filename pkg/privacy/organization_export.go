package privacy

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth/guard"
	"pixeltrack.io/platform/pkg/auth/password"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// ExportPurpose is what the token of the link to an organization's export is for.
const ExportPurpose = "organization_export"

// ExportLink leads from the hash of a link's token to the export of an organization and to the member who may fetch it.
type ExportLink struct {
	store.Meta
	Organization id.Organization `dynamo:"org"`
	Member       id.Member       `dynamo:"member"`
	Export       id.Export       `dynamo:"export"`
	Hash         string          `dynamo:"-"`
}

// Type is the row's type.
func (l *ExportLink) Type() string { return "EXPORT_LINK" }

// Keys puts the link under its token's hash.
func (l *ExportLink) Keys() store.Keys { return store.Keys{Primary: store.TokenLookup(l.Hash)} }

// AskForOrganization adds to a transaction that everything of an organization is packed, and its owner told where to
// fetch it: when it is closed, or when its owner asks.
func AskForOrganization(tx *store.Tx, org *store.Organization) { AskForPackage(tx, org, "", "") }

// FamilyExportOrder holds what keeps an organization from being packed more than once a day.
const FamilyExportOrder store.Family = "EXPORTORDER"

// ExportOrder says that an owner has asked for the export of an organization within the last day.
type ExportOrder struct {
	store.Meta
	Org    id.Organization `dynamo:"org"`
	Export id.Export       `dynamo:"export"`
}

// Type is the row's type.
func (o *ExportOrder) Type() string { return "EXPORTORDER" }

// Keys puts the order where an organization has one.
func (o *ExportOrder) Keys() store.Keys {
	return store.Keys{Primary: store.OrganizationScope(o.Org).Key(FamilyExportOrder)}
}

// OrderBody is an export that was asked for.
type OrderBody struct {
	ID      string       `json:"id" example:"exp_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	State   PackageState `json:"state" enum:"queued,building,ready"`
	AskedAt time.Time    `json:"asked_at"`
	Until   *time.Time   `json:"until,omitempty" doc:"Until when a ready one can be fetched."`
}

// OrderOut is the answer of create-organization-export.
type OrderOut struct{ Body OrderBody }

func showOrder(p *Package) *OrderOut {
	return &OrderOut{OrderBody{ID: string(p.ID), State: p.State, AskedAt: clock.At(p.Asked), Until: clock.Moment(p.Until)}}
}

// CreateOrganizationExport asks for everything of an organization: before project data goes by its setting, or at any other
// time.
func CreateOrganizationExport(st *store.Store) api.Operation {
	return api.Replayable(api.Route{
		ID: "create-organization-export", Area: "organization", Method: http.MethodPost, Path: "/v1/org/exports", Status: http.StatusAccepted,
		Permission: access.OrganizationExport, Audit: true, Rights: true, Purpose: purpose.PrivacyRights, Summary: "Have everything of your organization packed",
		Description: "The owner is mailed a link when it is ready, which opens it together with the owner's password, for 7 days. Once a day.",
		ExampleOut:  OrderBody{ID: "exp_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", State: PackageQueued, AskedAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)},
		Refusals:    []api.Refusal{{Kind: problem.Conflict, Code: "export_ordered", When: "One was asked for within the last 24 hours."}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*OrderOut, error) {
		tx := st.Begin()
		p := newPackage(tx, c.Org, "", "")
		order := &ExportOrder{Org: c.Org.ID, Export: p.ID}
		order.Expire(c.Now.Add(24 * time.Hour))
		tx.Create(c.Org, order).Else(problem.Of(problem.Conflict, "export_ordered", "An export was asked for within the last 24 hours; its link comes by mail."))
		if err := c.Commit(ctx, tx, string(p.ID)); err != nil {
			return nil, err
		}
		return showOrder(p), nil
	}, func(ctx context.Context, c *api.Caller, made string) (*OrderOut, error) {
		p, err := store.Get[Package](ctx, c.Org, PackageKey(c.Org.Scope(), id.Export(made)))
		if errors.Is(err, store.ErrMissing) {
			return nil, problem.Missing("export")
		}
		if err != nil {
			return nil, err
		}
		return showOrder(p), nil
	})
}

// linked adds the link to an organization's finished package, for the owner it is mailed to. Without an owner nobody is.
func (b *builder) linked(ctx context.Context, tx *store.Tx, h holder, p *Package) error {
	org, ok := h.Scope().Organization()
	if !ok {
		return nil
	}
	owner, err := access.OwnerOf(ctx, b.st.BindOrganization(org, store.Actor{Who: "job:build-export"}))
	if err != nil || owner == nil {
		return err
	}
	p.LinkHash = keys.HashToken(b.links.Token(ExportPurpose, string(p.ID)))
	link := &ExportLink{Organization: org, Member: owner.Member, Export: p.ID, Hash: p.LinkHash}
	link.Expire(clock.At(p.Until))
	tx.Put(b.st.BindPlatform(h.Actor()), link)
	return nil
}

// ExportIn is the input of download-export.
type ExportIn struct{ Body ExportBody }

// ExportBody is what opens the export of an organization.
type ExportBody struct {
	Token    string `json:"token" minLength:"1" maxLength:"200" doc:"From the link in the mail about the export." example:"0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc"`
	Password string `json:"password" maxLength:"1024" doc:"The password of the owner, whose account may be deleted by then." example:"a phrase that nobody else uses"`
}

// DownloadExport gives a link to everything of an organization that was closed, or whose owner asked for it. Its owner may have no session any more:
// the mailed token and the password together say who asks, and neither alone is enough.
func DownloadExport(st *store.Store, packages Linker, pseudonyms keys.Pseudonyms) api.Operation {
	return api.New(api.Route{
		ID: "download-export", Area: "privacy", Method: http.MethodPost, Path: "/v1/privacy/exports/download", Audience: api.Public, Audit: true,
		Summary: "A link to the export of an organization", Purpose: purpose.PrivacyRights,
		Description: "By the token of the mailed link together with the password of the organization's owner, for 7 days after the export was made. Each link works for five minutes.",
		ExampleIn:   ExportBody{Token: "0c2VjcmV0LWxpbmstdG9rZW4tb2YtNDMtY2hhcmFjdGVyc", Password: "a phrase that nobody else uses"},
		ExampleOut: DownloadBody{URL: "https://exports.s3.amazonaws.com/…", ExpiresAt: time.Date(2026, 3, 2, 9, 5, 0, 0, time.UTC),
			Until: time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC), Size: 20480, SHA256: exampleConsent().TextSHA256},
		Refusals: []api.Refusal{
			{Kind: problem.Unauthenticated, Code: "invalid_credentials", When: "The password is wrong."},
			{Kind: problem.NotFound, Code: "export_not_found", When: "The link is unknown, its 7 days are over, or it was for somebody who no longer owns the organization."},
			{Kind: problem.TooMany, Code: "too_many_attempts", When: "More than ten attempts within 15 minutes from one place."},
		},
	}, func(ctx context.Context, c *api.Caller, in *ExportIn) (*DownloadOut, error) {
		hash := keys.HashToken(in.Body.Token)
		attempts := guard.New(st, pseudonyms, store.Actor{Who: "download-export", Request: c.Request}, "download-export", hash, c.Source)
		if err := attempts.Attempt(ctx); err != nil {
			return nil, err
		}
		e, err := exportOf(ctx, st, c, hash)
		if err != nil {
			return nil, err
		}
		if ok, _ := password.Verify(e.cred.PasswordHash, in.Body.Password); !ok {
			return nil, problem.Of(problem.Unauthenticated, "invalid_credentials", "The password is wrong.")
		}
		tx := st.Begin()
		attempts.Forget(tx)
		c.AuditFor(tx, e.owner, string(e.p.ID), "done")
		return fetched(ctx, c.Now, packages, e.p, string(e.p.ID), tx, e.org, func() error { return tx.Commit(ctx) })
	})
}

// opened is an export that a link leads to, and whose it is.
type opened struct {
	org   *store.Organization
	owner *store.User
	p     *Package
	cred  *account.Credential
}

// exportOf follows a link to its package and to the person who may fetch it.
func exportOf(ctx context.Context, st *store.Store, c *api.Caller, hash string) (*opened, error) {
	gone := func(err error) error {
		if errors.Is(err, store.ErrMissing) {
			return problem.Missing("export")
		}
		return err
	}
	link, err := store.Get[ExportLink](ctx, st.BindPlatform(c.Actor()), store.TokenLookup(hash))
	if err != nil {
		return nil, gone(err)
	}
	e := &opened{org: st.BindOrganization(link.Organization, store.Actor{Who: string(link.Member), Request: c.Request}), p: new(Package), cred: new(account.Credential)}
	member := new(access.Access)
	fetches := []*store.Fetch{{Through: e.org, Key: access.AccessKey(link.Organization, link.Member), Row: member},
		{Through: e.org, Key: PackageKey(e.org.Scope(), link.Export), Row: e.p}}
	if err := st.FetchAll(ctx, fetches...); err != nil {
		return nil, err
	}
	if err := errors.Join(fetches[0].Err, fetches[1].Err); err != nil {
		return nil, gone(err)
	}
	if member.Role != access.Owner || member.Removed != 0 || member.User == "" {
		return nil, problem.Missing("export")
	}
	e.owner = st.BindUser(member.User, store.Actor{Who: string(member.User), Request: c.Request})
	e.owner.SeeRestricted()
	cred, err := store.Get[account.Credential](ctx, e.owner, account.CredentialKey(member.User))
	if err != nil {
		return nil, gone(err)
	}
	e.cred = cred
	return e, nil
}
