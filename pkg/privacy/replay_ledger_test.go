package privacy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"pixeltrack.io/platform/infra/size"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing/rendering"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keyring"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/store/storetest"
)

// disaster is a table that was restored from a backup, after which much has happened that the backup knows nothing of. The
// buckets and the vault are as they are now.
type disaster struct {
	*world          // over the restored table
	table  settings // of the restored table

	ada   somebody // erased since
	org   id.Organization
	bob   somebody // who lives
	cy    somebody // whose account was deleted before the backup, and was due since
	dee   somebody // likewise, and has been held since
	eve   somebody // likewise, and is held no longer
	fay   somebody // erased since, whose processing was restricted at the time of the backup
	legal desk     // who holds
	held  privacy.HoldBody
	baker *clients.Client // erased since
}

// settings are those of a table.
type settings struct {
	id  string
	off []string
}

func (s settings) ID(context.Context) (string, error)        { return s.id, nil }
func (s settings) Missing(context.Context) ([]string, error) { return s.off, nil }

// strike lives on after a backup, and restores it.
func strike(t *testing.T) *disaster {
	t.Helper()
	w := newWorld(t)
	ctx := context.Background()
	tx := w.Store.Begin()
	tx.Create(w.Store.BindPlatform(store.Actor{Who: "test"}), &keyring.Ring{Table: w.Store.Name(), TableID: "one"})
	w.must(tx.Commit(ctx))

	d := &disaster{ada: w.lived(), table: settings{id: "two"}}
	gone := w.somebody(w.Organization(), "Gus")
	d.org = gone.Org
	d.bob = w.somebody(w.Organization(), "Bob")
	d.cy, d.dee = w.somebody(w.Member(d.bob.Org, access.Contributor), "Cyrus"), w.somebody(w.Member(d.bob.Org, access.Contributor), "Deedee")
	d.eve, d.fay = w.somebody(w.Member(d.bob.Org, access.Contributor), "Evelyn"), w.somebody(w.Member(d.bob.Org, access.Contributor), "Fayola")
	d.legal = w.desk(access.LegalCounsel)
	d.baker = w.customer(d.bob.Caller, "Zaphod Bakery")
	due := w.deleteAccount(d.cy.Caller)
	w.deleteAccount(d.dee.Caller)
	w.deleteAccount(d.eve.Caller)
	lifted := d.legal.place(heldAccount(d.eve.Caller))
	w.mark(d.fay.Caller, "restrict", true)

	backup := w.copied()

	w.mark(d.fay.Caller, "restrict", false)
	d.held = d.legal.place(heldAccount(d.dee.Caller))
	w.Want(d.legal.change(privacy.LiftHold(w.Store, w.book()), lifted.ID), 200, "")
	w.Want(w.Call(clients.EraseClient(w.Store), w.Later(d.bob.Caller, 0), apitest.Request{Path: "/v1/clients/" + string(d.baker.ID) + "/erasure"}), 202, "")
	w.Clock.Advance(clients.Settle)
	w.must(w.run(rendering.EraseRecipients(w.engine, w.documents, nil)))
	w.deleteAccount(d.ada.Caller)
	w.deleteAccount(d.fay.Caller)
	w.closeOrganization(d.org)
	w.Clock.Set(due.Add(48 * time.Hour))
	w.must(w.run(privacy.SweepRetention(w.engine)))
	for _, p := range []somebody{d.ada, d.cy, d.eve, d.fay} {
		w.gone(p)
	}
	if text := w.dump(); !strings.Contains(text, d.dee.email) || strings.Contains(text, "Zaphod") || strings.Contains(text, string(d.org)) {
		t.Fatal("want the held account alive, and the client and the organization gone")
	}
	d.world = w.over(backup)
	return d
}

// customer is a client of an organization.
func (w *world) customer(c apitest.Caller, name string) *clients.Client {
	w.T.Helper()
	row := &clients.Client{Org: c.Org, ID: id.New[id.Client](w.Store.IDs()), Number: 1, Name: name, Currency: "EUR", Language: "en", Status: clients.Active}
	tx := w.Store.Begin()
	tx.Create(w.Store.BindOrganization(c.Org, store.Actor{Who: "test"}), row)
	w.must(tx.Commit(context.Background()))
	return row
}

// closeOrganization does what the end of an organization does: its gate is closed, and its clock is armed.
func (w *world) closeOrganization(org id.Organization) {
	w.T.Helper()
	ctx := context.Background()
	h := w.Store.BindOrganization(org, store.Actor{Who: "test"})
	gate, err := store.Get[access.OrganizationGate](ctx, h, access.OrganizationGateKey(org))
	w.must(err)
	due := w.Clock.Now().Add(retention.Organization)
	gate.Status, gate.DueAt = access.Closed, due.Unix()
	tx := w.Store.Begin()
	tx.Replace(h, gate)
	tx.ArmWake(h, retention.OrganizationDue(org, due))
	w.must(tx.Commit(ctx))
}

// copied is a table with every row that the world's has, as a recovery makes one.
func (w *world) copied() string {
	w.T.Helper()
	_, name := storetest.Table(w.T)
	db := dynamodb.NewFromConfig(w.AWS)
	pages := dynamodb.NewScanPaginator(db, &dynamodb.ScanInput{TableName: aws.String(w.World.Table), ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		w.must(err)
		for _, item := range page.Items {
			_, err := db.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &name, Item: item})
			w.must(err)
		}
	}
	return name
}

// over is the world over another table.
func (w *world) over(table string) *world {
	other := *w
	other.World = w.World.Over(table)
	other.engine = privacy.NewEngine(other.Store, w.engine.Objects, w.vault, w.engine.Seals, keys.Pseudonyms{Secret: "pseudonyms"}, w.Clock.Now)
	other.engine.Map = w.m
	other.Open = keyring.NewWatch(other.Store).Open
	return &other
}

func (d *disaster) replay() job.Job {
	return privacy.ReplayLedger(privacy.Replay{Engine: d.engine, Ledger: d.vault, Seals: keys.NewEnvelope(d.seals, d.Clock.Now),
		Table:   d.table,
		Contact: clients.EraseAgain,
		Then:    []job.Job{rendering.EraseRecipients(d.engine, d.documents, nil), privacy.SweepRetention(d.engine)}})
}

// served says how a read of Bob's is answered.
func (d *disaster) served() (status int, code string) {
	d.T.Helper()
	d.Clock.Advance(time.Second)
	a := d.Call(privacy.ListConsents(), d.Later(d.bob.Caller, 0), apitest.Request{})
	return a.Status, a.Code()
}

// shut fails the test when the table is served.
func (d *disaster) shut(when string) {
	d.T.Helper()
	if status, code := d.served(); status != http.StatusServiceUnavailable || code != "restoring" {
		d.T.Errorf("%s the table answers %d %s; want 503 restoring", when, status, code)
	}
}

// mended fails the test unless all is as it was before the disaster.
func (d *disaster) mended() {
	d.T.Helper()
	if status, code := d.served(); status != http.StatusOK {
		d.T.Errorf("a table that was replayed answers %d %s", status, code)
	}
	for _, p := range []somebody{d.ada, d.cy, d.eve, d.fay} {
		d.gone(p)
	}
	text := d.dump()
	for _, mark := range []string{"Zaphod", string(d.org)} {
		if strings.Contains(text, mark) {
			d.T.Errorf("%q is still there:\n%s", mark, lines(text, mark))
		}
	}
	for _, mark := range []string{d.bob.email, d.dee.email} {
		if !strings.Contains(text, mark) {
			d.T.Errorf("the table lost %q", mark)
		}
	}
	if b, _ := d.legal.over(d.world).hold(d.held.ID); b.State != "active" || b.Object.ID != string(d.dee.User) || b.Matter != "2026-0042" {
		d.T.Errorf("the hold that the backup did not know is %+v", b)
	}
	if g := d.gate(d.dee.Caller); !g.Held || g.DueAt != 0 {
		d.T.Errorf("what is held has the gate %+v; want no clock", g.Meta)
	}
}

func (d desk) over(w *world) desk {
	d.world = w
	return d
}

func TestARestoredTableIsServedAfterTheLedgerWasReplayed(t *testing.T) {
	d := strike(t)
	if text := d.dump(); !strings.Contains(text, d.ada.email) || !strings.Contains(text, "Zaphod") || !strings.Contains(text, d.cy.email) {
		t.Fatal("the backup is not from before")
	}
	d.shut("before the replay")
	d.Want(d.Call(privacy.ListConsents(), d.now(d.ada), apitest.Request{}), http.StatusServiceUnavailable, "restoring")
	for _, off := range []string{"ttl", "stream", "recovery"} {
		d.table.off = []string{off}
		if err := d.run(d.replay()); !errors.Is(err, privacy.ErrIncomplete) {
			t.Errorf("a replay of a table that lacks something = %v", err)
		}
		d.shut("without " + off)
	}
	d.table.off = nil
	d.must(d.run(d.replay()))
	d.mended()
	before := d.dumpOfWork()
	d.must(d.run(d.replay()))
	if d.dumpOfWork() != before {
		t.Error("a replay of a table that is served changed something")
	}
}

// now is somebody of the time of the backup, with a token of now.
func (d *disaster) now(s somebody) apitest.Caller {
	s.Token = d.Token(s.Caller)
	return s.Caller
}

// A hold that was lifted since lets go, and what it kept is purged; this is how it would be without the book.
func TestHoldsFollowTheBook(t *testing.T) {
	d := strike(t)
	d.must(d.run(d.replay()))
	d.mended()
	d.Want(d.legal.over(d.world).change(privacy.LiftHold(d.Store, d.book()), d.held.ID), 200, "")
	d.Clock.Advance(24 * time.Hour)
	d.must(d.run(privacy.SweepRetention(d.engine)))
	d.gone(d.dee)
}

// What the ledger says of somebody who is held by now waits for the hold, behind a closed gate, and keeps nobody out.
func TestAnErasureThatAHoldStopsIsKept(t *testing.T) {
	d := strike(t)
	subject := d.engine.Subject(erasure.ScopeAccount, string(d.dee.User))
	sealed, err := d.engine.Seals.Seal(context.Background(), erasure.Sealed(erasure.VaultKey(subject)), []byte(d.dee.User))
	d.must(err)
	d.write(erasure.VaultKey(subject), erasure.Written{Subject: subject, Of: erasure.ScopeAccount, Begun: d.Clock.Now(), Sealed: sealed})
	d.must(d.run(d.replay()))
	d.mended()
	if g := d.gate(d.dee.Caller); g.Deleted == 0 || len(g.Sessions) != 0 {
		t.Errorf("the gate of a held erasure is %+v; want it closed", g)
	}
	d.Want(d.legal.over(d.world).change(privacy.LiftHold(d.Store, d.book()), d.held.ID), 200, "")
	d.Clock.Advance(retention.Account)
	d.must(d.run(privacy.SweepRetention(d.engine)))
	d.gone(d.dee)
}

func TestReplaysAtTheSameTimeEndTheSame(t *testing.T) {
	d := strike(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := d.run(d.replay()); err != nil && !errors.Is(err, privacy.ErrIncomplete) {
				t.Logf("a replay at the same time: %v", err) // it lost against another; its event comes again
			}
		})
	}
	wg.Wait()
	d.Clock.Advance(16 * time.Minute)
	d.must(d.run(d.replay()))
	d.mended()
}

// dies lets a process make so many calls of the table, and no more.
type dies struct {
	after int64
	calls atomic.Int64
	kill  func()
}

func (k *dies) Do(r *http.Request) (*http.Response, error) {
	if n := k.calls.Add(1); k.after > 0 && n > k.after {
		k.kill()
		return nil, context.Canceled
	}
	return http.DefaultClient.Do(r)
}

// TestAKilledReplayGoesOn kills a replay after each of its calls in turn: it never lets the table be served too early, and
// the next one ends like one that nobody killed.
func TestAKilledReplayGoesOn(t *testing.T) {
	whole := strike(t)
	all := whole.killedAfter(0)
	whole.mended()
	t.Logf("a replay makes %d calls", all)
	for n := int64(1); n < all; n += int64(size.Of(41, 5)) {
		d := strike(t)
		d.killedAfter(n)
		if status, _ := d.served(); status == http.StatusOK {
			d.mended()
			continue
		}
		d.Clock.Advance(16 * time.Minute) // the claim of the dead run is over
		d.must(d.run(d.replay()))
		d.mended()
		if t.Failed() {
			t.Fatalf("after being killed at call %d of %d", n, all)
		}
	}
}

// killedAfter runs a replay that dies after so many calls, and tells how many it made; 0 lets it live.
func (d *disaster) killedAfter(n int64) int64 {
	d.T.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	k := &dies{after: n, kill: cancel}
	mortal := *d.world
	cfg := d.AWS
	cfg.HTTPClient = k
	mortal.World = d.World.Over(d.World.Table)
	mortal.Store = store.New(cfg, d.World.Table, d.Clock.Now)
	mortal.engine = privacy.NewEngine(mortal.Store, d.engine.Objects, d.vault, d.engine.Seals, keys.Pseudonyms{Secret: "pseudonyms"}, d.Clock.Now)
	mortal.engine.Map = d.m
	err := (&disaster{world: &mortal, table: d.table}).replay().Do(ctx, []byte(`{}`), mortal.Store, d.log, d.Clock.Now, "run")
	if n == 0 {
		d.must(err)
	}
	return k.calls.Load()
}

// A table under the name of the one that it was made of is told apart by its id, and one whose id nobody knew yet is not.
func TestATableRestoredUnderItsOldName(t *testing.T) {
	d := strike(t)
	p := d.Store.BindPlatform(store.Actor{Who: "test"})
	ring, err := store.Get[keyring.Ring](context.Background(), p, keyring.RingKey())
	d.must(err)
	ring.Table = d.Store.Name()
	tx := d.Store.Begin()
	tx.Replace(p, ring)
	d.must(tx.Commit(context.Background()))
	d.table.off = []string{"recovery"}
	if err := d.run(d.replay()); !errors.Is(err, privacy.ErrIncomplete) {
		t.Errorf("the replay = %v; want it to wait for the recovery", err)
	}
	d.shut("under the name of another")
	d.table.off = nil
	d.must(d.run(d.replay()))
	d.mended()
}

func TestANewTableIsGivenItsID(t *testing.T) {
	w := newWorld(t)
	p := w.Store.BindPlatform(store.Actor{Who: "test"})
	d := &disaster{world: w, table: settings{id: "one"}}
	w.must(w.run(d.replay())) // before the first ring
	tx := w.Store.Begin()
	tx.Create(p, &keyring.Ring{Table: w.Store.Name()})
	w.must(tx.Commit(context.Background()))
	w.must(w.run(d.replay()))
	ring, err := store.Get[keyring.Ring](context.Background(), p, keyring.RingKey())
	if err != nil || ring.Table != w.Store.Name() || ring.TableID != "one" || ring.Restored != 0 {
		t.Errorf("the ring is %+v, %v; want its table's id in it, and no restore", ring, err)
	}
}

// The ring tells when the table was admitted, and of no admission before.
func TestTheRingTellsWhenARestoredTableWasAdmitted(t *testing.T) {
	d := strike(t)
	restored := func() int64 {
		t.Helper()
		ring, err := store.Get[keyring.Ring](context.Background(), d.Store.BindPlatform(store.Actor{}), keyring.RingKey())
		d.must(err)
		return ring.Restored
	}
	d.table.off = []string{"stream"}
	if err := d.run(d.replay()); !errors.Is(err, privacy.ErrIncomplete) || restored() != 0 {
		t.Errorf("a replay that is not done = %v, and the ring says %d; want nothing", err, restored())
	}
	d.table.off = nil
	d.Clock.Advance(time.Hour)
	at := d.Clock.Now().Unix()
	d.must(d.run(d.replay()))
	d.Clock.Advance(time.Hour)
	d.must(d.run(d.replay())) // does nothing in a table that is served
	if got := restored(); got != at {
		t.Errorf("restored at %d; want %d", got, at)
	}
	d.table.id = "three" // restored again, under its name
	d.must(d.run(d.replay()))
	if got := restored(); got != at+3600 {
		t.Errorf("restored for the second time at %d; want %d", got, at+3600)
	}
}

// A ledger that cannot be read lets nothing be served.
func TestALedgerThatCannotBeReadKeepsTheTableShut(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(d *disaster)
	}{
		{"the vault is out of reach", func(d *disaster) { d.vault.Fail(errKilled) }},
		{"an entry that is no entry", func(d *disaster) { d.write("ledger/x.json", "nothing") }},
		{"an entry whose seal does not open", func(d *disaster) {
			d.write("ledger/x.json", erasure.Written{Subject: "x", Of: erasure.ScopeAccount, Sealed: []byte("x")})
		}},
		{"an entry of something unknown", func(d *disaster) {
			sealed, err := d.engine.Seals.Seal(context.Background(), erasure.Sealed("ledger/x.json"), []byte("x"))
			d.must(err)
			d.write("ledger/x.json", erasure.Written{Subject: "x", Of: "planet", Sealed: sealed})
		}},
		{"an entry that was sealed for another", func(d *disaster) {
			sealed, err := d.engine.Seals.Seal(context.Background(), erasure.Sealed("ledger/y.json"), []byte(d.bob.User))
			d.must(err)
			d.write("ledger/x.json", erasure.Written{Subject: "x", Of: erasure.ScopeAccount, Sealed: sealed})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := strike(t)
			tt.spoil(d)
			if err := d.run(d.replay()); err == nil {
				t.Error("the replay is done")
			}
			d.vault.Fail(nil)
			d.shut("with a ledger that cannot be read")
			if !strings.Contains(d.dump(), d.bob.email) {
				t.Error("somebody else was erased")
			}
		})
	}
}

// write puts an object into the vault.
func (d *disaster) write(object string, v any) {
	d.T.Helper()
	text, err := json.Marshal(v)
	d.must(err)
	d.must(d.vault.Put(context.Background(), object, "application/json", bytes.NewReader(text)))
}
