// Package erasure deletes everything of a person or an organisation, and proves it. An erasure is a list of steps, each
// of which may be repeated, interrupted, run late, run twice at once and run again over a restored table; whatever
// happens, it ends the same. First the gate falls, so that nothing can be restored or written any more; then the ledger is
// written outside the table; only then is anything deleted, and the gate row goes last.
package erasure

import (
	"context"
	"errors"
	"io"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/privacy/record"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Objects is a bucket whose keys start with whom an object belongs to.
type Objects interface {
	Purge(ctx context.Context, prefix string) (int, error)
}

// Vault is the bucket outside the table.
type Vault interface {
	Create(ctx context.Context, key, mediaType string, body io.ReadSeeker) error
	Remove(ctx context.Context, key string) (int, error)
}

// Sealer encrypts what the vault keeps for a replay alone.
type Sealer interface {
	Seal(ctx context.Context, at keys.Place, value []byte) ([]byte, error)
}

// Hasher makes keyed hashes.
type Hasher interface {
	Of(kind, value string) string
}

// Engine carries erasures out.
type Engine struct {
	Store      *store.Store
	Objects    []Objects // every bucket with objects of people or organisations
	Vault      Vault
	Seals      Sealer
	Pseudonyms Hasher
	Map        datamap.Map
	Clock      func() time.Time // decides claims

	// Clocks lists the due rows, beside the gate's, that lead to rows of a scope that is erased.
	Clocks func(ctx context.Context, h record.Handle) ([]*store.Due, error)

	// Correspondence gives the keyed hash under which lies what was written to PixelTrack from a user's address, empty for
	// none. It is erased with the account.
	Correspondence func(ctx context.Context, h record.Handle, m datamap.Map) (string, error)

	// Forget erases what a member wrote to PixelTrack itself, which the organisation does not decide about. It can be
	// repeated, and says retention.ErrHeld when a hold or a restriction keeps something.
	Forget func(ctx context.Context, org *store.Organization, member id.Member) (int, error)

	// Uninvite revokes the invitations to the address of a case, whichever organisation sent them, and tells how many there
	// were. It can be repeated, and says retention.ErrHeld when a hold or a restriction keeps something.
	Uninvite func(ctx context.Context, h *store.Case) (int, error)

	// Strip takes persons off what a duty keeps of an organisation, and tells how much went. It can be repeated, and says
	// retention.ErrHeld when a hold or a restriction keeps something.
	Strip func(ctx context.Context, org *store.Organization) (int, error)

	// Close adds to a transaction that an organization closes since a time, as one does whose owner is erased.
	Close func(tx *store.Tx, h *store.Organization, gate *access.OrganizationGate, at time.Time) *store.Op

	// Packing says whether a job that stores objects of a scope is under way. It begins on none whose gate is past its due
	// time, and an erasure waits for its end before it deletes anything.
	Packing func(ctx context.Context, h record.Handle) (bool, error)

	again bool
}

// Cause is why an account is erased.
type Cause struct {
	Case  id.Case                                        // the request that asks for it
	Clock time.Time                                      // the clock that ended; it counts only for an account that is deleted, and due by then
	Begin func(context.Context) error                    // is told after the ledger was written and before anything is deleted
	Final func(*store.Tx, *store.Platform, Result) error // adds what ends the cause to the last transaction
}

// asked is when the person wished the erasure: what they restricted before does not stop it, for nobody restricts what they
// have us delete.
func (c Cause) asked(gate *access.UserGate) time.Time {
	if c.Case != "" {
		return id.Made(c.Case)
	}
	return clock.At(gate.Deleted).Add(time.Second - 1) // to the second
}

// Again gives the engine that does erasures of the ledger once more in a table that was restored from before. Nobody writes
// there, so it waits for no writer; what the table says of an account or an organisation is older than the ledger, so that
// neither a life that had not ended nor a restriction that was lifted stops it. A legal hold does.
func (e *Engine) Again() *Engine {
	again := *e
	again.again = true
	return &again
}

// Why an erasure is not carried out now.
var (
	ErrBusy     = errors.New("erasure: another run is at it")
	ErrHeld     = errors.New("erasure: a legal hold or a restriction keeps it")
	ErrRestored = errors.New("erasure: the account or organisation is alive again")
	ErrSoon     = errors.New("erasure: the account was closed a moment ago, and writers or a builder of packages may still be under way")
)

const (
	// lease is how long a claim lasts: longer than any function runs.
	lease = 15*time.Minute + time.Second
	// settle is how long writers that read an open gate may still write.
	settle = 60 * time.Second
)

// Result is what an erasure did.
type Result struct {
	Subject string // the keyed hash
	Count   int    // rows and objects that went
	Kept    int    // rows that stay, pseudonymised or under a duty
}

// Subject is the keyed hash of a user or organisation.
func (e *Engine) Subject(of, id string) string { return e.Pseudonyms.Of("erasure:"+of, id) }

// Account erases a user. Nothing is done while the account is held, or was restricted after the erasure was wished.
func (e *Engine) Account(ctx context.Context, actor store.Actor, user id.User, c Cause) (Result, error) {
	h := e.Store.BindUser(user, actor)
	h.SeeRestricted()
	h.SeeDue()
	r := &run{Engine: e, actor: actor, platform: e.Store.BindPlatform(actor), home: h, scope: registry.InUser,
		subject: e.Subject(ScopeAccount, string(user)), of: ScopeAccount, c: c.Case, name: string(user), due: c.Clock}
	gate, err := store.Get[access.UserGate](ctx, h, access.UserGateKey(user))
	if errors.Is(err, store.ErrMissing) {
		gate = nil
	} else if err != nil {
		return Result{}, err
	}
	switch {
	case gate == nil:
	case gate.Hold || gate.Held || !e.again && gate.Restrict && (gate.RestrictedBy == "" || id.Made(gate.RestrictedBy).After(c.asked(gate))):
		return Result{}, ErrHeld
	case !c.Clock.IsZero() && (gate.Deleted == 0 || gate.DueAt > c.Clock.Unix()):
		return Result{}, ErrRestored // the clock that led here no longer counts
	}
	if err := r.claim(ctx); err != nil {
		return Result{}, err
	}
	steps := []step{
		{"close", func(ctx context.Context) (int, error) { return 0, r.closeAccount(ctx, user) }},
		{"packages", func(ctx context.Context) (int, error) { return 0, r.packed(ctx) }},
		{"ledger", func(ctx context.Context) (int, error) { return 0, r.written(ctx, c.Begin) }},
		{"memberships", func(ctx context.Context) (int, error) { return r.unlink(ctx, user) }},
		{"lookups", r.lookups},
		{"clocks", r.clocks},
		{"key", func(ctx context.Context) (int, error) { return r.Vault.Remove(ctx, CommitmentKey(r.subject)) }},
		{"proofs", r.proofs},
		{"correspondence", r.correspondence},
		{"objects", r.objects},
		{"rows", r.rows},
	}
	if err := r.all(ctx, steps); err != nil {
		return Result{}, err
	}
	return r.finish(ctx, access.UserGateKey(user), retention.AccountPurge, func(tx *store.Tx, p *store.Platform, res Result) error {
		access.Delist(tx, p, user)
		if c.Final == nil {
			return nil
		}
		return c.Final(tx, p, res)
	})
}

// Organization erases an organisation that was closed, with everything in it. What a duty keeps stays for its time.
func (e *Engine) Organization(ctx context.Context, actor store.Actor, org id.Organization, due time.Time, final func(*store.Tx, *store.Platform, Result) error) (Result, error) {
	h := e.Store.BindOrganization(org, actor)
	h.SeeRestricted()
	h.SeeDue()
	r := &run{Engine: e, actor: actor, platform: e.Store.BindPlatform(actor), home: h, scope: registry.InOrganization,
		subject: e.Subject(ScopeOrganization, string(org)), of: ScopeOrganization, name: string(org), due: due}
	gate, err := store.Get[access.OrganizationGate](ctx, h, access.OrganizationGateKey(org))
	if errors.Is(err, store.ErrMissing) {
		gate = nil
	} else if err != nil {
		return Result{}, err
	}
	switch {
	case gate == nil:
	case gate.Held || len(gate.HeldMembers) > 0:
		return Result{}, ErrHeld
	case !e.again && (gate.Status != access.Closed || gate.DueAt > due.Unix()):
		return Result{}, ErrRestored // the clock that led here no longer counts
	}
	if err := r.claim(ctx); err != nil {
		return Result{}, err
	}
	steps := []step{
		{"close", func(ctx context.Context) (int, error) { return 0, r.closeOrganization(ctx, org) }},
		{"packages", func(ctx context.Context) (int, error) { return 0, r.packed(ctx) }},
		{"ledger", func(ctx context.Context) (int, error) { return 0, r.vault(ctx, r.entry, r.name) }},
		{"memberships", func(ctx context.Context) (int, error) { return r.disband(ctx, org) }},
		{"lookups", r.lookups},
		{"clocks", r.clocks},
		{"duties", func(ctx context.Context) (int, error) { return r.strip(ctx, h) }},
		{"objects", r.objects},
		{"rows", r.rows},
	}
	if err := r.all(ctx, steps); err != nil {
		return Result{}, err
	}
	return r.finish(ctx, access.OrganizationGateKey(org), retention.OrganizationPurge, final)
}

// Contact erases a client of an organisation, for the organisation, which stays. What erases may be run again and again,
// and is run after the ledger is written. With a last transaction the erasure ends with it; without one it goes on with
// the next call.
func (e *Engine) Contact(ctx context.Context, actor store.Actor, org id.Organization, client id.Client, erase func(context.Context) (int, error), last *store.Tx) (Result, error) {
	name := store.Join(string(org), string(client))
	r := &run{Engine: e, actor: actor, platform: e.Store.BindPlatform(actor), subject: e.Subject(ScopeContact, name), of: ScopeContact, name: name}
	if err := r.claim(ctx); err != nil {
		return Result{}, err
	}
	err := r.all(ctx, []step{
		{"ledger", func(ctx context.Context) (int, error) { return 0, r.vault(ctx, r.entry, r.name) }},
		{"contact", erase},
	})
	if err != nil {
		return Result{}, err
	}
	res := Result{Subject: r.subject, Count: r.entry.Count}
	if last == nil {
		r.release(ctx)
		return res, nil
	}
	r.entry.Done, r.entry.ClaimedUntil = r.Clock().Unix(), 0
	last.Rewrite(r.platform, r.entry).Else(ErrBusy)
	return res, last.Commit(ctx)
}

// Correspondent erases somebody who has only written to PixelTrack, by the keyed hash of their address. Nobody is kept from
// writing again; that is a new beginning.
func (e *Engine) Correspondent(ctx context.Context, actor store.Actor, hash string, c Cause) (Result, error) {
	h := e.Store.BindCase(hash, actor)
	h.SeeRestricted()
	h.SeeDue()
	r := &run{Engine: e, actor: actor, platform: e.Store.BindPlatform(actor), home: h, scope: registry.InCase,
		subject: e.Subject(ScopeCorrespondent, hash), of: ScopeCorrespondent, c: c.Case, name: hash}
	if err := r.claim(ctx); err != nil {
		return Result{}, err
	}
	err := r.all(ctx, []step{
		{"packages", func(ctx context.Context) (int, error) { return 0, r.packed(ctx) }},
		{"ledger", func(ctx context.Context) (int, error) { return 0, r.written(ctx, c.Begin) }},
		{"invitations", func(ctx context.Context) (int, error) { return r.uninvite(ctx, h) }},
		{"clocks", r.clocks}, {"proofs", r.proofs}, {"objects", r.objects}, {"rows", r.rows},
	})
	if err != nil {
		return Result{}, err
	}
	return r.finish(ctx, correspondents.Key(hash), retention.CorrespondentPurge, c.Final)
}

// correspondence erases what was written to PixelTrack from the account's address without the account, and revokes the
// invitations to it. Proofs of it join those of the account.
func (r *run) correspondence(ctx context.Context) (int, error) {
	if r.Correspondence == nil {
		return 0, nil
	}
	hash, err := r.Correspondence(ctx, r.home, r.Map)
	if err != nil || hash == "" {
		return 0, err
	}
	h := r.Store.BindCase(hash, r.actor)
	h.SeeRestricted()
	h.SeeDue()
	n, err := r.uninvite(ctx, h)
	if err != nil {
		return n, err
	}
	written := *r
	written.home, written.scope, written.name = h, registry.InCase, hash
	for _, do := range []func(context.Context) (int, error){written.clocks, written.proofs, written.objects, written.rows} {
		gone, err := do(ctx)
		n += gone
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// uninvite revokes the invitations to the address of a correspondent, or of an account.
func (r *run) uninvite(ctx context.Context, h *store.Case) (int, error) {
	if r.Uninvite == nil {
		return 0, nil
	}
	n, err := r.Uninvite(ctx, h)
	return n, kept(err)
}

// kept is an error of what others delete for an erasure, which knows a hold by one of its own.
func kept(err error) error {
	if errors.Is(err, retention.ErrHeld) {
		return ErrHeld
	}
	return err
}
