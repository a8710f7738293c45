package chain_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/audit/chain"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

type world struct {
	*apitest.World
	owner  apitest.Caller
	org    *store.Organization
	heads  *blobtest.Bucket
	notary chain.Notary
}

// newWorld has an organisation that has acted so many times, a minute between.
func newWorld(t *testing.T, acts int) world {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := world{World: apitest.New(t), heads: new(blobtest.Bucket)}
	w.notary = chain.Notary{Witness: chain.Witness{Heads: w.heads, Public: func(context.Context) (ed25519.PublicKey, error) { return public, nil }},
		Sign: func(_ context.Context, message []byte) ([]byte, error) { return ed25519.Sign(private, message), nil }}
	w.owner = w.Organization()
	w.org = w.Store.BindOrganization(w.owner.Org, store.Actor{Who: "test"})
	w.act(acts)
	return w
}

func (w world) act(n int) {
	w.T.Helper()
	for range n {
		w.write(&api.Audit{Actor: string(w.owner.Member), Action: "update-member", Object: string(w.owner.Member), Outcome: "done", Purpose: "security"})
		w.Clock.Advance(time.Minute)
	}
}

// write writes a record as a call does.
func (w world) write(a *api.Audit) {
	w.T.Helper()
	op := api.New(api.Route{ID: a.Action, Area: "test", Method: "POST", Path: "/v1/acts", Audit: true, Purpose: a.Purpose, Permission: "members:write"},
		func(ctx context.Context, c *api.Caller, _ *struct{}) (*struct{}, error) {
			return nil, c.Commit(ctx, w.Store.Begin(), a.Object)
		})
	w.owner.Token = w.Token(w.owner)
	if got := w.Call(op, w.owner, apitest.Request{}); got.Status >= 300 {
		w.T.Fatalf("the act = %d %s", got.Status, got.Body)
	}
}

func (w world) do(payload string) error {
	return chain.SealAudit().Do(context.Background(), []byte(payload), w.Store, telemetry.New(w.Log, w.Clock.Now), w.Clock.Now, "run")
}

// atOnce runs a job six times at once.
func (w world) atOnce(run func() error) {
	w.T.Helper()
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			if err := run(); err != nil {
				w.T.Error(err)
			}
		})
	}
	all.Wait()
}

func (w world) seal() error {
	return w.do(fmt.Sprintf(`{"source":"aws.scheduler","detail-type":"Scheduled Event","time":%q,"detail":"{}"}`, w.Clock.Now().Format(time.RFC3339)))
}

// told says that a record was written.
func (w world) told() {
	w.T.Helper()
	w.must(w.do(fmt.Sprintf(`{"source":"pixeltrack","detail-type":"AuditRecorded","time":%q,"detail":{"pk":%q,"sk":"x"}}`, w.Clock.Now().Format(time.RFC3339), w.org.Scope().Partition(api.FamilyAudit))))
}

func (w world) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

// sealed tells of the records and seals them when it is time.
func (w world) sealed() {
	w.T.Helper()
	w.told()
	w.Clock.Advance(20 * time.Minute)
	w.must(w.seal())
}

// verify goes through the whole chain.
func (w world) verify() (all chain.Report) {
	w.T.Helper()
	cursor := ""
	for {
		r, err := chain.Verify(context.Background(), w.org, w.notary.Witness, w.Clock.Now(), cursor)
		w.must(err)
		all.Findings, all.Restored = append(all.Findings, r.Findings...), append(all.Restored, r.Restored...)
		all.Signed = r.Signed
		all.Seals, all.Records, all.Waiting = all.Seals+r.Seals, all.Records+r.Records, r.Waiting
		if cursor = r.Next; cursor == "" {
			all.Intact = len(all.Findings) == 0
			return all
		}
	}
}

func (w world) records() []*api.Audit {
	w.T.Helper()
	rows, _, err := store.List[api.Audit](context.Background(), w.org, store.Query{Partition: w.org.Scope().Partition(api.FamilyAudit), Limit: 1000})
	w.must(err)
	return rows
}

func (w world) seals() []*chain.Seal {
	w.T.Helper()
	rows, _, err := store.List[chain.Seal](context.Background(), w.org, store.Query{Partition: w.org.Scope().Partition(chain.FamilySeal), Limit: 1000})
	w.must(err)
	return rows
}

// tamper changes the table as somebody could who has got at it.
func (w world) tamper(change func(tx *store.Tx)) {
	w.T.Helper()
	tx := w.Store.Begin()
	change(tx)
	w.must(tx.Commit(context.Background()))
}

func TestRowsAreRegistered(t *testing.T) {
	for _, f := range registry.Check(chain.Rows()) {
		t.Error(f)
	}
}

func TestRecordsAreSealed(t *testing.T) {
	w := newWorld(t, 3)
	w.told()
	w.must(w.seal())
	if r := w.verify(); r.Seals != 0 || r.Waiting != 3 || !r.Intact {
		t.Errorf("before the time: %+v; want three waiting", r)
	}
	w.Clock.Advance(20 * time.Minute)
	w.must(w.seal())
	if r := w.verify(); r.Seals != 1 || r.Records != 3 || r.Waiting != 0 || !r.Intact {
		t.Errorf("after: %+v; want one seal of three", r)
	}
	w.act(250)
	w.sealed()
	w.must(w.seal()) // nothing is left to do
	if r := w.verify(); r.Seals != 4 || r.Records != 253 || !r.Intact {
		t.Errorf("after 250 more: %+v; want three more seals", r)
	}
}

func TestARecordThatNobodyToldOfIsSealedWithTheNext(t *testing.T) {
	w := newWorld(t, 2)
	w.Clock.Advance(72 * time.Hour) // no event came
	w.must(w.seal())
	w.act(1)
	w.sealed()
	if r := w.verify(); r.Records != 3 || !r.Intact {
		t.Errorf("%+v; want all three sealed", r)
	}
}

func TestSealersAtOnceMakeOneChain(t *testing.T) {
	w := newWorld(t, 250)
	w.told()
	w.Clock.Advance(20 * time.Minute)
	w.atOnce(w.seal)
	w.told()
	w.Clock.Advance(20 * time.Minute)
	w.must(w.seal())
	if r := w.verify(); r.Records != 250 || !r.Intact || len(w.seals()) > 4 {
		t.Errorf("%+v in %d seals; want each record once", r, len(w.seals()))
	}
}

func TestTamperingIsNamed(t *testing.T) {
	key := func(w world, a *api.Audit) store.Key {
		return store.Key{PK: w.org.Scope().Partition(api.FamilyAudit), SK: a.SK}
	}
	sealKey := func(s *chain.Seal) store.Key { return s.Keys().Primary }
	set := func(w world, tx *store.Tx, k store.Key, name string, v any) {
		tx.Change(w.org, k, func(u *dynamo.Update) { u.Set(name, v) })
	}
	tests := []struct {
		name   string
		change func(w world, records []*api.Audit, seals []*chain.Seal) (record string)
		want   []chain.Fault
	}{
		{"nothing", func(world, []*api.Audit, []*chain.Seal) string { return "" }, nil},
		{"an edited record", func(w world, r []*api.Audit, _ []*chain.Seal) string {
			w.tamper(func(tx *store.Tx) { set(w, tx, key(w, r[130]), "outcome", "permission_denied") })
			return string(r[130].ID)
		}, []chain.Fault{chain.RecordEdited}},
		{"another actor", func(w world, r []*api.Audit, _ []*chain.Seal) string {
			w.tamper(func(tx *store.Tx) { set(w, tx, key(w, r[0]), "actor", "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB") })
			return string(r[0].ID)
		}, []chain.Fault{chain.RecordEdited}},
		{"a dropped record", func(w world, r []*api.Audit, _ []*chain.Seal) string {
			w.tamper(func(tx *store.Tx) { tx.DeleteKey(w.org, key(w, r[99]), "") })
			return string(r[99].ID)
		}, []chain.Fault{chain.RecordDropped}},
		{"the last record dropped", func(w world, r []*api.Audit, _ []*chain.Seal) string {
			w.tamper(func(tx *store.Tx) { tx.DeleteKey(w.org, key(w, r[249]), "") })
			return string(r[249].ID)
		}, []chain.Fault{chain.RecordDropped}},
		{"a record put between", func(w world, r []*api.Audit, _ []*chain.Seal) string {
			a := &forged{sk: r[120].SK[:len(r[120].SK)-4] + "ZZZZ", scope: w.org.Scope()}
			w.tamper(func(tx *store.Tx) { tx.Put(w.org, a) })
			return a.sk[strings.LastIndex(a.sk, "#")+1:]
		}, []chain.Fault{chain.RecordAdded}},
		{"a record at another time", func(w world, r []*api.Audit, _ []*chain.Seal) string {
			_, id, _ := strings.Cut(r[10].SK, "#")
			later, _, _ := strings.Cut(r[230].SK, "#")
			w.tamper(func(tx *store.Tx) {
				tx.DeleteKey(w.org, key(w, r[10]), "")
				tx.Put(w.org, &forged{sk: later + "#" + id, scope: w.org.Scope()})
			})
			return string(r[10].ID)
		}, []chain.Fault{chain.RecordMoved}},
		{"an edited seal", func(w world, _ []*api.Audit, s []*chain.Seal) string {
			w.tamper(func(tx *store.Tx) { set(w, tx, sealKey(s[1]), "at", 1) })
			return ""
		}, []chain.Fault{chain.SealEdited}},
		{"a seal made anew over an edited record", func(w world, r []*api.Audit, s []*chain.Seal) string {
			s[1].Records[5].Hash = strings.Repeat("0", 64)
			w.tamper(func(tx *store.Tx) { set(w, tx, sealKey(s[1]), "sha256", strings.Repeat("0", 64)) })
			return ""
		}, []chain.Fault{chain.SealEdited, chain.SealEdited}},
		{"a dropped seal", func(w world, _ []*api.Audit, s []*chain.Seal) string {
			w.tamper(func(tx *store.Tx) { tx.DeleteKey(w.org, sealKey(s[1]), "") })
			return ""
		}, []chain.Fault{chain.SealDropped}},
		{"the beginning dropped", func(w world, r []*api.Audit, s []*chain.Seal) string {
			w.tamper(func(tx *store.Tx) { tx.DeleteKey(w.org, sealKey(s[0]), "") })
			return ""
		}, []chain.Fault{chain.SealDropped}},
		{"the end cut off", func(w world, _ []*api.Audit, s []*chain.Seal) string {
			w.tamper(func(tx *store.Tx) { tx.DeleteKey(w.org, sealKey(s[2]), "") })
			return ""
		}, []chain.Fault{chain.ChainCut}},
		{"the head gone", func(w world, _ []*api.Audit, s []*chain.Seal) string {
			w.tamper(func(tx *store.Tx) { tx.DeleteKey(w.org, chain.HeadKey(w.owner.Org), "") })
			return ""
		}, []chain.Fault{chain.ChainCut}},
		{"the head turned back", func(w world, _ []*api.Audit, s []*chain.Seal) string {
			w.tamper(func(tx *store.Tx) { set(w, tx, chain.HeadKey(w.owner.Org), "sequence", 1) })
			return ""
		}, []chain.Fault{chain.HeadEdited}},
		{"everything cut off", func(w world, _ []*api.Audit, s []*chain.Seal) string {
			w.tamper(func(tx *store.Tx) {
				for _, s := range s {
					tx.DeleteKey(w.org, sealKey(s), "")
				}
			})
			return ""
		}, []chain.Fault{chain.ChainCut}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 250)
			w.sealed()
			record := tt.change(w, w.records(), w.seals())
			r := w.verify()
			var got []chain.Fault
			for _, f := range r.Findings {
				got = append(got, f.Fault)
				if record != "" && f.Record != record {
					t.Errorf("it names %q; want %q", f.Record, record)
				}
			}
			if !slices.Equal(got, tt.want) || r.Intact != (len(tt.want) == 0) {
				t.Errorf("found %+v; want %v", r.Findings, tt.want)
			}
		})
	}
}

// forged is a record that somebody puts into the table.
type forged struct {
	store.Meta
	At    int64 `dynamo:"at"`
	sk    string
	scope store.Scope
}

func (*forged) Type() string { return "AUDIT" }
func (f *forged) Keys() store.Keys {
	return store.Keys{Primary: store.Key{PK: f.scope.Partition(api.FamilyAudit), SK: f.sk}}
}

// later writes records, a minute between, when the sessions of everybody have ended long ago.
func (w world) later(n int) {
	w.T.Helper()
	for range n {
		a := &forged{At: w.Clock.Now().Unix(), sk: store.Instant(w.Clock.Now()) + "#rec_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", scope: w.org.Scope()}
		a.Expire(w.Clock.Now().Add(api.AuditLife))
		w.tamper(func(tx *store.Tx) { tx.Put(w.org, a) })
		w.Clock.Advance(time.Minute)
	}
}

func TestAChainAgesFromItsBeginning(t *testing.T) {
	w := newWorld(t, 101)
	w.sealed()
	w.Clock.Advance(api.AuditLife - 5*24*time.Hour)
	w.later(3)
	w.sealed()
	if r := w.verify(); !r.Intact || r.Records != 104 {
		t.Fatalf("before its time: %+v", r)
	}
	w.Clock.Advance(6 * 24 * time.Hour)
	r := w.verify()
	if !r.Intact || r.Records != 3 || r.Seals != 1 {
		t.Errorf("after 7 years: %+v; want what is younger, intact", r)
	}
	w.later(1)
	w.sealed()
	if r := w.verify(); !r.Intact || r.Records != 4 {
		t.Errorf("with one more: %+v; want the chain to go on", r)
	}
}

// A call of a verification goes so far and no farther, wherever it began.
func TestALongChainIsVerifiedCallByCall(t *testing.T) {
	w := newWorld(t, 0)
	for range 45 {
		w.grow()
	}
	var seals []int
	for cursor := ""; ; {
		r, err := chain.Verify(context.Background(), w.org, w.notary.Witness, w.Clock.Now(), cursor)
		w.must(err)
		seals = append(seals, r.Seals)
		if !r.Intact {
			t.Errorf("the call from %q found %+v; want it intact", cursor, r.Findings)
		}
		if cursor = r.Next; cursor == "" {
			break
		}
	}
	if !slices.Equal(seals, []int{20, 20, 5}) {
		t.Errorf("the calls looked at %v seals; want 20, 20 and 5", seals)
	}
}

func TestACursorOfNoVerificationIsRefused(t *testing.T) {
	w := newWorld(t, 0)
	for _, c := range []string{"x", "-1", "0", "01", "9999999999999"} {
		if _, err := chain.Verify(context.Background(), w.org, w.notary.Witness, w.Clock.Now(), c); !errors.Is(err, chain.ErrCursor) {
			t.Errorf("Verify from %q = %v; want ErrCursor", c, err)
		}
	}
}

// The event of a record may be lost, for good: the chain is looked at every day, until its organisation has gone.
func TestARecordThatNobodyToldOfIsSealedWithinADay(t *testing.T) {
	w := newWorld(t, 3)
	w.sealed()
	for day := range 3 {
		w.act(1)
		w.Clock.Advance(24 * time.Hour)
		w.must(w.seal())
		w.must(w.seal()) // a schedule more changes nothing
		if r := w.verify(); !r.Intact || r.Waiting != 0 || r.Records != 4+day || r.Seals != 2+day {
			t.Errorf("on day %d: %+v; want every record sealed", day+1, r)
		}
	}
	if !strings.Contains(w.Log.String(), "sealed_late") {
		t.Error("the log does not tell of it")
	}
	w.tamper(func(tx *store.Tx) { tx.DeleteKey(w.org, access.OrganizationGateKey(w.owner.Org), "") })
	w.Clock.Advance(24 * time.Hour)
	w.must(w.seal())
	for d, err := range store.AllDue(context.Background(), w.Store.BindPlatform(store.Actor{Who: "test"}), chain.DueWatch, w.Clock.Now().AddDate(1, 0, 0)) {
		t.Errorf("a clock is left of an organization that has gone: %v, %v", d, err)
	}
}

// Watchers at once leave one clock.
func TestWatchersAtOnceLeaveOneClock(t *testing.T) {
	w := newWorld(t, 1)
	w.sealed()
	w.Clock.Advance(25 * time.Hour)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() { w.must(w.seal()) })
	}
	wg.Wait()
	clocks := 0
	for _, err := range store.AllDue(context.Background(), w.Store.BindPlatform(store.Actor{Who: "test"}), chain.DueWatch, w.Clock.Now().AddDate(1, 0, 0)) {
		w.must(err)
		clocks++
	}
	if clocks != 1 {
		t.Errorf("%d clocks; want one", clocks)
	}
}

// What PixelTrack's own people do has one chain, like that of an organisation.
func TestStaffHaveAChain(t *testing.T) {
	w := newWorld(t, 2)
	w.sealed()
	ctx, p := context.Background(), w.Store.BindPlatform(store.Actor{Who: "test"})
	lead := w.Staff(access.SecurityLead)
	op := api.New(api.Route{ID: "look", Area: "test", Method: "GET", Path: "/v1/looks", Audience: api.Staff, Audit: true, Purpose: "security", Permission: access.StaffAuditRead},
		func(context.Context, *api.Caller, *struct{}) (*struct{}, error) { return nil, nil })
	for range 130 {
		lead = w.Later(lead, time.Minute)
		w.Want(w.Call(op, lead, apitest.Request{}), 200, "")
	}
	w.must(w.do(fmt.Sprintf(`{"source":"pixeltrack","detail-type":"AuditRecorded","time":%q,"detail":{"pk":%q,"sk":"x"}}`, w.Clock.Now().Format(time.RFC3339), p.Scope().Partition(api.FamilyAudit))))
	w.Clock.Advance(20 * time.Minute)
	w.must(w.seal())
	w.Clock.Advance(25 * time.Hour)
	w.must(w.sign())
	verify := func() *chain.Report {
		t.Helper()
		r, err := chain.Verify(ctx, p, w.notary.Witness, w.Clock.Now(), "")
		w.must(err)
		return r
	}
	if r := verify(); !r.Intact || r.Seals != 2 || r.Records != 130 || r.Signed != 2 {
		t.Errorf("the chain of staff is %+v; want it intact and signed", r)
	}
	if r := w.verify(); !r.Intact || r.Records != 2 {
		t.Errorf("the chain of the organization is %+v; want its own records", r)
	}
	rows, _, err := store.List[api.Audit](ctx, p, store.Query{Partition: p.Scope().Partition(api.FamilyAudit), Limit: 1})
	w.must(err)
	w.tamper(func(tx *store.Tx) {
		tx.Change(p, store.Key{PK: rows[0].PK, SK: rows[0].SK}, func(u *dynamo.Update) { u.Set("actor", "stf_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB") })
	})
	if r := verify(); r.Intact || len(r.Findings) != 1 || r.Findings[0].Fault != chain.RecordEdited || r.Findings[0].Record != string(rows[0].ID) {
		t.Errorf("an edited record of staff: %+v; want it named", r)
	}
}
