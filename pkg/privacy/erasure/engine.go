// Package erasure deletes everything of a person or an organisation, and proves it. An erasure is a list of steps, each
// of which may be repeated, interrupted, run late, run twice at once and run again over a restored table; whatever
// happens, it ends the same. First the gate falls, so that nothing can be restored or written any more; then the ledger is
// written outside the table; only then is anything deleted, and the gate row goes last.
package erasure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/blob"
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
	return at(gate.Deleted).Add(time.Second - 1) // to the second
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
	if errors.Is(err, retention.ErrHeld) {
		return n, ErrHeld
	}
	return n, err
}

// run is one erasure under way.
type run struct {
	*Engine
	actor    store.Actor
	platform *store.Platform
	home     record.Handle
	scope    registry.Scope
	subject  string
	of       string
	name     string // the id that is to vanish
	c        id.Case
	due      time.Time
	entry    *Entry
}

type step struct {
	name string
	do   func(context.Context) (int, error)
}

// claim takes the erasure for this run, by its entry in the table.
func (r *run) claim(ctx context.Context) error {
	now := r.Clock()
	entry, err := r.open(ctx, r.platform, &Entry{Subject: r.subject, Of: r.of, Case: r.c, Begun: now.Unix()})
	if err != nil {
		return err
	}
	if entry.ClaimedUntil > now.Unix() {
		return ErrBusy
	}
	r.entry = entry
	r.entry.ClaimedUntil, r.entry.Done = now.Add(lease).Unix(), 0
	if r.entry.Case == "" {
		r.entry.Case = r.c
	}
	return r.keep(ctx)
}

// keep writes the entry; a run that lost its claim stops here.
func (r *run) keep(ctx context.Context) error {
	tx := r.Store.Begin()
	tx.Rewrite(r.platform, r.entry).Else(ErrBusy)
	return tx.Commit(ctx)
}

// all does every step in order. Steps that an earlier run did are done again: they find little, and a restored table or
// a late writer may have brought something back.
func (r *run) all(ctx context.Context, steps []step) error {
	for _, s := range steps {
		n, err := s.do(ctx)
		if err != nil {
			r.release(ctx)
			return fmt.Errorf("erasure %s: %w", s.name, err)
		}
		if r.entry.Steps == nil {
			r.entry.Steps = map[string]int64{}
		}
		r.entry.Steps[s.name] = r.Clock().Unix()
		r.entry.Count += n
		if err := r.keep(ctx); err != nil {
			return err
		}
	}
	return nil
}

// release gives the claim back after a failure, so that the next run need not wait for its end.
func (r *run) release(ctx context.Context) {
	r.entry.ClaimedUntil = 0
	_ = r.keep(context.WithoutCancel(ctx)) // if this fails too, the claim ends by itself
}

// closeAccount ends every session for good and makes the account unrestorable, and waits for writers to be through.
func (r *run) closeAccount(ctx context.Context, user id.User) error {
	gate, err := store.Get[access.UserGate](ctx, r.home, access.UserGateKey(user))
	if errors.Is(err, store.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	if gate.Held || gate.Hold {
		return ErrHeld // since the run began
	}
	now := r.Store.Now()
	if r.entry.Closed == 0 || len(gate.Sessions) > 0 || gate.Deleted == 0 || gate.DueAt == 0 || gate.DueAt > now.Unix() {
		before := gate.Deleted
		r.entry.Closed = now.Unix()
		if before != 0 && now.Sub(at(before)) > settle && len(gate.Sessions) == 0 {
			r.entry.Closed = before
		}
		if gate.Deleted == 0 {
			gate.Deleted = now.Unix()
		}
		if gate.DueAt == 0 || gate.DueAt > now.Unix() {
			r.disarm(gate.DueAt)
			gate.DueAt = now.Unix()
		}
		gate.Sessions = nil
		tx := r.Store.Begin()
		tx.Rewrite(r.home, gate).Else(ErrBusy)
		if err := tx.Commit(ctx); err != nil {
			return err
		}
	}
	return r.settled(now)
}

func (r *run) closeOrganization(ctx context.Context, org id.Organization) error {
	gate, err := store.Get[access.OrganizationGate](ctx, r.home, access.OrganizationGateKey(org))
	if errors.Is(err, store.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	if gate.Held {
		return ErrHeld // since the run began
	}
	now := r.Store.Now()
	if gate.Status == access.Closed && gate.DueAt != 0 && gate.DueAt <= now.Unix() {
		if r.entry.Closed == 0 {
			r.entry.Closed = gate.DueAt - int64(settle.Seconds()) // it has been closed for its whole retention
		}
		return r.settled(now)
	}
	gate.Status, r.entry.Closed = access.Closed, now.Unix()
	if gate.DueAt == 0 || gate.DueAt > now.Unix() {
		r.disarm(gate.DueAt)
		gate.DueAt = now.Unix()
	}
	tx := r.Store.Begin()
	tx.Rewrite(r.home, gate).Else(ErrBusy)
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	return r.settled(now)
}

// disarm remembers the clock that the gate had, to remove it at the end.
func (r *run) disarm(dueAt int64) {
	if dueAt != 0 {
		r.setStep("armed", dueAt)
	}
}

func (r *run) setStep(name string, v int64) {
	if r.entry.Steps == nil {
		r.entry.Steps = map[string]int64{}
	}
	r.entry.Steps[name] = v
}

func (r *run) settled(now time.Time) error {
	if !r.again && now.Sub(at(r.entry.Closed)) < settle {
		return ErrSoon
	}
	return nil
}

// packed waits for jobs that store objects.
func (r *run) packed(ctx context.Context) error {
	if r.Packing == nil || r.again {
		return nil
	}
	busy, err := r.Packing(ctx, r.home)
	if err == nil && busy {
		return ErrSoon
	}
	return err
}

// written writes the ledger where no restored table can undo it, and tells that the erasure has begun.
func (r *run) written(ctx context.Context, begin func(context.Context) error) error {
	if err := r.vault(ctx, r.entry, r.name); err != nil || begin == nil {
		return err
	}
	return begin(ctx)
}

// unlink deletes what leads from the member ids of a user to the user. The work stays with the organisations. One that the
// user owns, and that nobody was made the owner of in time, closes: nobody could close it later.
func (r *run) unlink(ctx context.Context, user id.User) (int, error) {
	n := 0
	for _, t := range r.Map.In(registry.InUser) {
		if !slices.ContainsFunc(t.Fields, func(f datamap.Field) bool { return f.Name == "member" }) {
			continue
		}
		err := r.walk(ctx, t.Family, func(row *record.Row) error {
			org, errOrg := id.Parse[id.Organization](row.Text("org"))
			member, errMember := id.Parse[id.Member](row.Text("member"))
			if errOrg != nil || errMember != nil {
				return nil
			}
			gone, err := r.forget(ctx, org, member)
			n += gone + 1
			if err != nil {
				return err
			}
			return r.unlinkOne(ctx, user, org, member)
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// forget erases what a member wrote to PixelTrack, as long as it can be told that they did.
func (r *run) forget(ctx context.Context, org id.Organization, member id.Member) (int, error) {
	if r.Forget == nil {
		return 0, nil
	}
	h := r.Store.BindOrganization(org, r.actor)
	h.SeeRestricted()
	h.SeeDue()
	n, err := r.Forget(ctx, h, member)
	if errors.Is(err, retention.ErrHeld) {
		return n, ErrHeld
	}
	return n, err
}

func (r *run) unlinkOne(ctx context.Context, user id.User, org id.Organization, member id.Member) error {
	h, now := r.Store.BindOrganization(org, r.actor), r.Store.Now()
	left, err := r.ownerless(ctx, h, member)
	if err != nil {
		return err
	}
	tx := r.Store.Begin()
	tx.Change(h, access.AccessKey(org, member), func(u *dynamo.Update) {
		u.Remove("user").Set("removed", now.Unix()).Add("grant_version", 1).If("'user' = ?", user)
	}).Else(store.ErrMissing)
	if left != nil {
		r.Close(tx, h, left, now).Else(ErrBusy)
	}
	err = tx.Commit(ctx)
	if errors.Is(err, store.ErrMissing) {
		return nil // unlinked before, or the organisation has gone
	}
	return err
}

// ownerless gives the gate of an organisation that is open and has nobody left to close it when a member goes, nil for any
// other.
func (r *run) ownerless(ctx context.Context, h *store.Organization, member id.Member) (*access.OrganizationGate, error) {
	if r.Close == nil {
		return nil, nil
	}
	row, err := store.Get[access.Access](ctx, h, access.AccessKey(h.ID, member))
	if errors.Is(err, store.ErrMissing) || err == nil && row.Role != access.Owner {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	gate, err := store.Get[access.OrganizationGate](ctx, h, access.OrganizationGateKey(h.ID))
	if errors.Is(err, store.ErrMissing) || err == nil && gate.Status != access.Active && gate.Status != access.Suspended {
		return nil, nil
	}
	return gate, err
}

// disband deletes the memberships of an organisation's people.
func (r *run) disband(ctx context.Context, org id.Organization) (int, error) {
	n := 0
	err := r.walk(ctx, string(access.FamilyAccess), func(row *record.Row) error {
		user, err := id.Parse[id.User](row.Text("user"))
		if err != nil {
			return nil
		}
		h := r.Store.BindUser(user, r.actor)
		h.SeeRestricted()
		h.SeeDue()
		for _, t := range r.Map.In(registry.InUser) {
			if !slices.ContainsFunc(t.Fields, func(f datamap.Field) bool { return f.Name == "member" }) {
				continue
			}
			err := record.Walk(ctx, h, store.Query{Partition: h.Scope().Partition(store.Family(t.Family))}, func(m *record.Row) error {
				if m.Text("org") != string(org) {
					return nil
				}
				n++
				tx := r.Store.Begin()
				tx.DeleteKey(h, m.Key(), "")
				return tx.Commit(ctx)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// lookups deletes the markers and tokens that lead to the subject, as long as they still are the subject's.
func (r *run) lookups(ctx context.Context) (int, error) {
	n := 0
	for _, t := range r.Map.In(r.scope) {
		for _, f := range t.Fields {
			if f.Lookup == "" {
				continue
			}
			err := r.walk(ctx, t.Family, func(row *record.Row) error {
				for _, hash := range row.Texts(f.Name) {
					key, ok := lookup(f.Lookup, hash)
					if !ok {
						continue
					}
					gone, err := r.removeLookup(ctx, key)
					if err != nil {
						return err
					}
					n += gone
				}
				return nil
			})
			if err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func lookup(kind, hash string) (store.Key, bool) {
	if family, ok := registry.Line(kind); ok {
		return store.PlatformScope().Key(store.Family(family), hash), true
	}
	switch kind {
	case registry.LookupMail:
		return store.MailLookup(hash), true
	case registry.LookupToken:
		return store.TokenLookup(hash), true
	}
	return store.Key{}, false
}

// removeLookup deletes a lookup row that names the subject.
func (r *run) removeLookup(ctx context.Context, key store.Key) (int, error) {
	row, err := store.Get[record.Row](ctx, r.seeingAll(), key)
	if errors.Is(err, store.ErrMissing) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if !row.Mentions(r.name) {
		return 0, nil // somebody else's by now
	}
	tx := r.Store.Begin()
	tx.Delete(r.platform, row).Else(store.ErrStale)
	return 1, tx.Commit(ctx)
}

func (r *run) seeingAll() *store.Platform {
	p := r.Store.BindPlatform(r.actor)
	p.SeeDue()
	p.SeeRestricted()
	return p
}

// clocks stops the clocks of what is about to go.
func (r *run) clocks(ctx context.Context) (int, error) {
	if r.Clocks == nil {
		return 0, nil
	}
	all, err := r.Clocks(ctx, r.home)
	if err != nil {
		return 0, err
	}
	for part := range slices.Chunk(all, store.MaxWrites/2) {
		tx := r.Store.Begin()
		for _, d := range part {
			tx.Disarm(r.platform, d, false)
		}
		if err := tx.Commit(ctx); err != nil {
			return 0, err
		}
	}
	return len(all), nil
}

// proofs moves what must be kept as proof out of the subject's scope, under its keyed hash and without what leads to
// the person.
func (r *run) proofs(ctx context.Context) (int, error) {
	n := 0
	for _, t := range r.Map.In(r.scope) {
		if !proof(t.Class) {
			continue
		}
		rule, _ := retention.Of(t.Class)
		err := r.walk(ctx, t.Family, func(row *record.Row) error {
			if row.Type() != t.Type {
				return nil
			}
			r.entry.Kept++
			n++
			return r.move(ctx, row, t, rule)
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// proof says whether rows of a class outlive the person.
func proof(c registry.Class) bool {
	return c == registry.ClassConsent || c == registry.ClassRequest || c == registry.ClassAudit
}

func (r *run) move(ctx context.Context, row *record.Row, t datamap.Row, rule retention.Rule) error {
	_, family := store.ScopeOf(row.PK)
	to := store.Key{PK: store.CaseScope(r.subject).Partition(family), SK: row.SK}
	moved := row.MoveTo(to)
	for _, f := range t.Fields {
		if f.Personal && (f.Erase == registry.EraseBlank || f.Erase == registry.EraseWithRow) {
			moved.Remove(f.Name)
		}
	}
	moved.ReplaceText(r.name, r.subject)
	if end, ok := rule.Due(r.Store.Now()); ok && (moved.ExpiresAt == 0 || moved.ExpiresAt > end.Unix()) {
		moved.ExpiresAt = end.Unix()
	}
	moved.DueAt = 0
	if moved.Held {
		moved.ExpiresAt = 0
	}
	moved.Version = 0
	tx := r.Store.Begin()
	tx.Put(r.Store.BindCase(r.subject, r.actor), moved)
	tx.DeleteKey(r.home, row.Key(), "'_v' = ?", row.Version).Else(store.ErrStale)
	return tx.Commit(ctx) // a row that changed meanwhile fails the step; the next run sees it as it is
}

// strip takes persons off what a duty keeps.
func (r *run) strip(ctx context.Context, org *store.Organization) (int, error) {
	if r.Strip == nil {
		return 0, nil
	}
	n, err := r.Strip(ctx, org)
	if errors.Is(err, retention.ErrHeld) {
		return n, ErrHeld
	}
	return n, err
}

// objects deletes every version of every object of the subject.
func (r *run) objects(ctx context.Context) (int, error) {
	n := 0
	for _, o := range r.Objects {
		gone, err := o.Purge(ctx, blob.KeyPrefix(r.home.Scope()))
		if err != nil {
			return n, err
		}
		n += gone
	}
	return n, nil
}

// rows deletes all rows of the subject but the gate and what a duty keeps. Families that others are divided by go
// after those, so that an interrupted run still finds every partition.
func (r *run) rows(ctx context.Context) (int, error) {
	n := 0
	for _, family := range order(r.Map, r.scope) {
		if r.stays(family) {
			continue
		}
		parts, err := record.Partitions(ctx, r.home, r.Map, r.scope, family)
		if err != nil {
			return n, err
		}
		for _, p := range parts {
			gone, kept, err := store.Purge(ctx, r.home, p)
			n += gone
			r.entry.Kept += kept
			if err != nil {
				return n, err
			}
			if kept > 0 {
				return n, ErrHeld
			}
		}
	}
	return n, nil
}

// stays says whether a family is kept under a duty, or goes last.
func (r *run) stays(family string) bool {
	if family == string(access.FamilyUserGate) || family == string(access.FamilyOrganizationGate) {
		return true
	}
	for _, t := range r.Map.In(r.scope) {
		if t.Family == family && (t.Class == registry.ClassFinance || t.Class == registry.ClassLedger ||
			r.scope == registry.InOrganization && proof(t.Class)) {
			return true
		}
	}
	return false
}

// order lists the families of a scope, divided ones before those that divide them.
func order(m datamap.Map, scope registry.Scope) []string {
	depth := map[string]int{}
	var of func(family string, seen int) int
	of = func(family string, seen int) int {
		deepest := 0
		for _, r := range m.In(scope) {
			if r.Family != family || r.Division == registry.Undivided || r.Division == registry.ByMonth || seen > 8 {
				continue
			}
			parent := string(access.FamilyAccess)
			if r.Division != registry.ByMember {
				parent = r.Division[len(registry.ByObject("")):]
			}
			deepest = max(deepest, 1+of(parent, seen+1))
		}
		return deepest
	}
	families := m.Families(scope)
	for _, f := range families {
		depth[f] = of(f, 0)
	}
	slices.SortStableFunc(families, func(a, b string) int { return depth[b] - depth[a] })
	return families
}

func (r *run) walk(ctx context.Context, family string, yield func(*record.Row) error) error {
	parts, err := record.Partitions(ctx, r.home, r.Map, r.scope, family)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := record.Walk(ctx, r.home, store.Query{Partition: p}, yield); err != nil {
			return err
		}
	}
	return nil
}

// finish removes the gate and the clocks and closes the ledger, all in one transaction.
func (r *run) finish(ctx context.Context, gate store.Key, kind store.DueKind, final func(*store.Tx, *store.Platform, Result) error) (Result, error) {
	res := Result{Subject: r.subject, Count: r.entry.Count, Kept: r.entry.Kept}
	row, err := store.Get[record.Row](ctx, r.home, gate)
	if err != nil && !errors.Is(err, store.ErrMissing) {
		return Result{}, err
	}
	tx := r.Store.Begin()
	clocks := map[int64]bool{}
	if row != nil {
		tx.DeleteKey(r.home, gate, "'_v' = ? AND attribute_not_exists('restricted')", row.Version).Else(ErrBusy)
		clocks[row.DueAt] = true
		res.Count++
	}
	clocks[r.entry.Steps["armed"]] = true
	if !r.due.IsZero() {
		clocks[r.due.Unix()] = true
	}
	for at := range clocks {
		if at != 0 {
			tx.Disarm(r.platform, store.NewDue(kind, time.Unix(at, 0), gate), true)
		}
	}
	if final != nil {
		if err := final(tx, r.platform, res); err != nil {
			r.release(ctx)
			return Result{}, err
		}
	}
	done := *r.entry
	done.Done, done.Table, done.ClaimedUntil, done.Count = r.Clock().Unix(), r.Store.Name(), 0, res.Count
	done.Steps = maps.Clone(r.entry.Steps)
	delete(done.Steps, "armed")
	tx.Rewrite(r.platform, &done).Else(ErrBusy)
	if err := tx.Commit(ctx); err != nil {
		r.release(ctx)
		return Result{}, err
	}
	return res, nil
}
