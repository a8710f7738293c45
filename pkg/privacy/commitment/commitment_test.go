package commitment_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/audit/chain"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/keys/keystest"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/commitment"
	"pixeltrack.io/platform/pkg/privacy/erasure"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/store/storetest"
	"pixeltrack.io/platform/pkg/telemetry"
)

type world struct {
	t      *testing.T
	st     *store.Store
	clock  *storetest.Clock
	vault  *blobtest.Bucket
	keeper commitment.Keeper
	engine *erasure.Engine
}

func newWorld(t *testing.T) *world {
	st, clock := storetest.New(t)
	w := &world{t: t, st: st, clock: clock, vault: new(blobtest.Bucket)}
	seals := keystest.Envelope(clock.Now)
	w.engine = privacy.NewEngine(st, nil, w.vault, seals, keys.Pseudonyms{Secret: "s"}, clock.Now)
	w.keeper = commitment.Keeper{Vault: w.vault, Seals: seals, Subject: w.engine.Subject}
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// account makes an account.
func (w *world) account() id.User {
	w.t.Helper()
	user := id.New[id.User](w.st.IDs())
	tx := w.st.Begin()
	tx.Create(w.st.BindUser(user, store.Actor{Who: "test"}), &access.UserGate{User: user})
	w.must(tx.Commit(context.Background()))
	return user
}

// deleted deletes an account.
func (w *world) deleted(user id.User) {
	w.t.Helper()
	h := w.st.BindUser(user, store.Actor{Who: "test"})
	gate, err := store.Get[access.UserGate](context.Background(), h, access.UserGateKey(user))
	w.must(err)
	gate.Deleted = w.clock.Now().Unix()
	tx := w.st.Begin()
	tx.Replace(h, gate)
	w.must(tx.Commit(context.Background()))
}

// told says that an account has changed.
func (w *world) told(user id.User) error {
	payload := fmt.Sprintf(`{"source":"pixeltrack","detail-type":"AccountChanged","detail":{"pk":%q,"sk":"x"}}`, store.UserScope(user).Partition("PROFILE"))
	return commitment.RecordAccounts(w.keeper).Do(context.Background(), []byte(payload), w.st, telemetry.New(new(bytes.Buffer), w.clock.Now), w.clock.Now, "run")
}

func (w *world) platform() *store.Platform { return w.st.BindPlatform(store.Actor{Who: "test"}) }

// records are those of the platform, oldest first.
func (w *world) records() []*api.Audit {
	w.t.Helper()
	rows, _, err := store.List[api.Audit](context.Background(), w.platform(), store.Query{Partition: store.PlatformScope().Partition(api.FamilyAudit), Limit: 100})
	w.must(err)
	return rows
}

func acts(rows []*api.Audit) string {
	var all []string
	for _, a := range rows {
		all = append(all, a.Action)
	}
	return strings.Join(all, " ")
}

func TestAnAccountIsOnRecordWithoutAName(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.account(), w.account()
	for range 2 { // an event may come twice
		w.must(w.told(ada))
		w.clock.Advance(time.Second)
		w.must(w.told(bob))
	}
	w.clock.Advance(time.Hour)
	w.deleted(ada)
	w.must(w.told(ada))
	w.must(w.told(ada))
	rows := w.records()
	if got := acts(rows); got != "account_created account_created account_deleted" {
		t.Fatalf("on record is %q", got)
	}
	if rows[0].Actor != rows[2].Actor || rows[0].Actor == rows[1].Actor || len(rows[0].Actor) != 64 {
		t.Errorf("the actors are %q, %q and %q; want one for each person", rows[0].Actor, rows[1].Actor, rows[2].Actor)
	}
	for _, user := range []id.User{ada, bob} {
		if text := fmt.Sprintf("%+v", rows) + w.vault.All() + strings.Join(w.vault.Keys(), " "); strings.Contains(text, string(user)) {
			t.Errorf("a user is named: %s", text)
		}
	}
	for _, tt := range []struct {
		commitment string
		user       id.User
		want       bool
	}{{rows[0].Actor, ada, true}, {rows[1].Actor, bob, true}, {rows[0].Actor, bob, false}, {rows[0].Actor, w.account(), false}} {
		if got, err := w.keeper.Proves(context.Background(), tt.commitment, tt.user); err != nil || got != tt.want {
			t.Errorf("Proves() = %v, %v; want %v", got, err, tt.want)
		}
	}
}

// An erasure destroys the key. The records stay as they are, and so does the chain over them; they are nobody's.
func TestAnErasureMakesTheRecordNobodys(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	ada, bob := w.account(), w.account()
	w.must(w.told(ada))
	w.clock.Advance(time.Second)
	w.must(w.told(bob))
	w.clock.Advance(time.Hour)
	if _, err := chain.Append(ctx, w.platform(), w.clock.Now(), w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	before := w.records()
	erase := func() {
		t.Helper()
		for { // the gate falls first, and writers may still be under way
			_, err := w.engine.Account(ctx, store.Actor{Who: "test"}, ada, erasure.Cause{})
			if !errors.Is(err, erasure.ErrSoon) {
				w.must(err)
				return
			}
			w.clock.Advance(time.Minute)
			w.must(w.told(ada)) // an event that comes late gives no key anew
		}
	}
	erase()
	w.must(w.told(ada))
	if got := len(w.vault.Keys()); got != 2 { // the ledger of one, and the key of the other
		t.Errorf("the vault holds %q", w.vault.Keys())
	}
	if ok, err := w.keeper.Proves(ctx, before[0].Actor, ada); err != nil || ok {
		t.Errorf("Proves() after the erasure = %v, %v", ok, err)
	}
	if ok, err := w.keeper.Proves(ctx, before[1].Actor, bob); err != nil || !ok {
		t.Errorf("Proves() of somebody else = %v, %v", ok, err)
	}
	if after := w.records(); acts(after) != acts(before) || after[0].Actor != before[0].Actor {
		t.Errorf("the records are %q; want them as they were", acts(after))
	}
	report, err := chain.Verify(ctx, w.platform(), chain.Witness{Heads: new(blobtest.Bucket)}, w.clock.Now(), "")
	if err != nil || !report.Intact || report.Records != 2 {
		t.Errorf("the chain is %+v, %v; want it whole", report, err)
	}
}

// A run that died between the key and the record leaves a key, which the next one takes.
func TestARunThatDiedLeavesOneKey(t *testing.T) {
	w := newWorld(t)
	ada := w.account()
	first, err := w.keeper.Of(context.Background(), ada)
	w.must(err)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if err := w.told(ada); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	rows := w.records()
	if acts(rows) != "account_created" || rows[0].Actor != first || len(w.vault.Keys()) != 1 {
		t.Errorf("on record is %+v, keys %q; want one record under the first key", rows, w.vault.Keys())
	}
}

func TestAVaultOutOfReachIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	ada := w.account()
	w.vault.Fail(errors.New("out of reach"))
	if err := w.told(ada); err == nil || len(w.records()) != 0 {
		t.Errorf("a run without the vault = %v; want it to fail and write nothing", err)
	}
	w.vault.Fail(nil)
	w.must(w.told(ada))
	if got := acts(w.records()); got != "account_created" {
		t.Errorf("on record is %q", got)
	}
	w.must(w.told("nobody")) // an event of no account
}
