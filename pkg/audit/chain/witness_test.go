package chain_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/audit/chain"
	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

func (w world) sign() error {
	payload := fmt.Sprintf(`{"source":"aws.scheduler","detail-type":"Scheduled Event","time":%q,"detail":"{}"}`, w.Clock.Now().Format(time.RFC3339))
	return chain.SignAuditHeads(w.notary).Do(context.Background(), []byte(payload), w.Store, telemetry.New(w.Log, w.Clock.Now), w.Clock.Now, "run")
}

// signed lets the day end and the head be signed.
func (w world) signed() {
	w.T.Helper()
	w.Clock.Advance(25 * time.Hour)
	w.must(w.sign())
}

// clocks counts the chains that are to be signed.
func (w world) clocks() (n int) {
	w.T.Helper()
	for _, err := range store.AllDue(context.Background(), w.Store.BindPlatform(store.Actor{Who: "test"}), chain.DueHead, w.Clock.Now().AddDate(1, 0, 0)) {
		w.must(err)
		n++
	}
	return n
}

// due sets the clock of the head to now.
func (w world) due() {
	w.T.Helper()
	w.tamper(func(tx *store.Tx) {
		tx.Arm(w.org, store.NewDue(chain.DueHead, w.Clock.Now(), chain.HeadKey(w.owner.Org)))
	})
}

func (w world) newest() *chain.SignedHead {
	w.T.Helper()
	h, err := w.notary.Newest(context.Background(), w.owner.Org)
	w.must(err)
	return h
}

func TestAHeadIsSignedWhenItsDayIsOver(t *testing.T) {
	w := newWorld(t, 130)
	w.sealed()
	w.must(w.sign())
	if h := w.newest(); h != nil {
		t.Errorf("before the day is over: %+v; want nothing signed", h)
	}
	last := w.records()[129]
	w.signed()
	h, seals := w.newest(), w.seals()
	if h == nil || h.Organization != w.owner.Org || h.Sequence != 2 || h.Records != 130 || h.SHA256 != seals[1].Hash || !h.Last.Equal(time.Unix(last.At, 0)) || !h.SignedAt.Equal(w.Clock.Now()) {
		t.Fatalf("signed %+v; want the second seal", h)
	}
	w.must(w.sign())
	if keys := w.heads.Keys(); len(keys) != 1 || w.clocks() != 0 {
		t.Errorf("a second run: %v and %d clocks; want one head and none", keys, w.clocks())
	}
	w.act(1)
	w.sealed()
	w.Clock.Advance(3 * 24 * time.Hour) // the signer was away
	w.must(w.sign())
	if h := w.newest(); h == nil || h.Sequence != 3 || len(w.heads.Keys()) != 2 {
		t.Errorf("the newest is %+v of %v; want the third seal in a second head", h, w.heads.Keys())
	}
	if r := w.verify(); !r.Intact || r.Signed != 3 {
		t.Errorf("the verification is %+v; want it intact and signed to the third seal", r)
	}
}

func TestASignedHeadNamesNobody(t *testing.T) {
	w := newWorld(t, 3)
	w.sealed()
	w.signed()
	all := w.heads.All()
	for _, name := range []string{string(w.owner.User), string(w.owner.Member), string(w.records()[0].ID), "update-member"} {
		if strings.Contains(all, name) {
			t.Errorf("the signed head has %s: %s", name, all)
		}
	}
	if !strings.Contains(all, w.seals()[0].Hash) {
		t.Errorf("the signed head has no hash: %s", all)
	}
}

func TestSignersAtOnceSignOneHead(t *testing.T) {
	w := newWorld(t, 5)
	w.sealed()
	w.Clock.Advance(25 * time.Hour)
	w.atOnce(w.sign)
	if len(w.heads.Keys()) != 1 || w.clocks() != 0 || w.newest() == nil {
		t.Errorf("%v and %d clocks; want one head and none", w.heads.Keys(), w.clocks())
	}
}

// A signer that dies at the bucket, or after it, leaves the work to the next run.
func TestASignerThatIsKilledIsFollowedByAnother(t *testing.T) {
	w := newWorld(t, 5)
	w.sealed()
	w.Clock.Advance(25 * time.Hour)
	gone := errors.New("no bucket")
	w.heads.Fail(gone)
	if err := w.sign(); !errors.Is(err, gone) || w.clocks() != 1 {
		t.Errorf("without the bucket: %v and %d clocks; want its error and the clock", err, w.clocks())
	}
	w.heads.Fail(nil)
	head := w.newest
	w.must(w.sign())
	first := head()
	w.due() // it died before the clock was off
	w.must(w.sign())
	if second := head(); *second != *first || len(w.heads.Keys()) != 1 || w.clocks() != 0 {
		t.Errorf("%+v after %+v in %v; want the same head", second, first, w.heads.Keys())
	}
}

// remake makes the whole chain anew over a record that was edited, as somebody can who writes the table and knows this
// package: every hash fits again.
func (w world) remake() {
	w.T.Helper()
	ctx := context.Background()
	records := w.records()
	w.tamper(func(tx *store.Tx) {
		tx.Change(w.org, store.Key{PK: w.org.Scope().Partition(api.FamilyAudit), SK: records[7].SK}, func(u *dynamo.Update) { u.Set("outcome", "permission_denied") })
	})
	records = w.records()
	previous := ""
	for _, s := range w.seals() {
		s.Previous = previous
		for i := range s.Records {
			for _, a := range records {
				if a.SK == s.Records[i].Key {
					s.Records[i].Hash = hashOf(w.T, struct {
						ID                                       id.Record
						At                                       int64
						Actor, Action, Object, Outcome, Req, Why string
					}{a.ID, a.At, a.Actor, a.Action, a.Object, a.Outcome, a.Request, a.Purpose})
				}
			}
		}
		s.Hash = hashOf(w.T, struct {
			Organization        id.Organization
			Sequence, At, Since int64
			Records             []chain.Mark
			Previous            string
		}{s.Organization, s.Sequence, s.At, s.Since, s.Records, s.Previous})
		previous = s.Hash
		w.tamper(func(tx *store.Tx) { tx.Replace(w.org, s) })
	}
	head, err := store.Get[chain.Head](ctx, w.org, chain.HeadKey(w.owner.Org))
	w.must(err)
	head.Hash = previous
	w.tamper(func(tx *store.Tx) { tx.Replace(w.org, head) })
}

func hashOf(t interface{ Fatal(...any) }, v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// everything deletes all that the table has of an organisation's audit.
func (w world) everything() {
	w.T.Helper()
	for _, f := range []store.Family{api.FamilyAudit, chain.FamilySeal, chain.FamilyHead} {
		_, _, err := store.Purge(context.Background(), w.org, w.org.Scope().Partition(f))
		w.must(err)
	}
}

func TestWhatTheTableAloneCannotTell(t *testing.T) {
	tests := []struct {
		name   string
		tamper func(w world)
		want   chain.Fault // of the verification; empty for intact
		signs  error       // of the next signing, after the chain has grown
	}{
		{"nothing", func(world) {}, "", nil},
		{"the whole chain made anew", world.remake, chain.ChainRemade, chain.ErrBroken},
		{"everything deleted", world.everything, chain.ChainCut, chain.ErrBroken},
		{"the end deleted and the head turned back", func(w world) {
			seals, records := w.seals(), w.records()
			last := seals[len(seals)-1]
			w.tamper(func(tx *store.Tx) {
				tx.DeleteKey(w.org, last.Keys().Primary, "")
				tx.Change(w.org, chain.HeadKey(w.owner.Org), func(u *dynamo.Update) {
					before := seals[len(seals)-2]
					u.Set("sequence", before.Sequence).Set("sha256", before.Hash).Set("last", before.Records[len(before.Records)-1].Key)
				})
				for _, a := range records[200:] {
					tx.DeleteKey(w.org, store.Key{PK: w.org.Scope().Partition(api.FamilyAudit), SK: a.SK}, "")
				}
			})
		}, chain.ChainCut, chain.ErrBroken},
		{"a head without our signature", func(w world) {
			w.put("000000000000", `{"head":{"organization":"`+string(w.owner.Org)+`","sequence":99},"signature":"AAAA"}`)
		}, chain.HeadForged, chain.ErrForged},
		{"no head at all", func(w world) { w.put("000000000000", "x") }, chain.HeadForged, chain.ErrForged},
		{"another organization's head", func(w world) {
			other := w
			other.owner = w.Organization()
			other.org = w.Store.BindOrganization(other.owner.Org, store.Actor{Who: "test"})
			other.act(1)
			other.sealed()
			other.signed()
			text, err := w.heads.Earliest(context.Background(), blob.KeyPrefix(other.org.Scope()), "")
			w.must(err)
			w.put("000000000000", string(text))
		}, chain.HeadForged, chain.ErrForged},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 230)
			w.sealed()
			w.signed()
			tt.tamper(w)
			r := w.verify()
			if tt.want == "" && !r.Intact || tt.want != "" && (len(r.Findings) != 1 || r.Findings[0].Fault != tt.want) {
				t.Errorf("found %+v; want %q alone", r.Findings, tt.want)
			}
			w.act(1)
			w.sealed()
			w.Clock.Advance(25 * time.Hour)
			if err := w.sign(); !errors.Is(err, tt.signs) {
				t.Errorf("signing = %v; want %v", err, tt.signs)
			}
			if still := w.clocks(); (tt.signs != nil) != (still == 1) {
				t.Errorf("%d clocks are left; want the clock of what could not be signed", still)
			}
		})
	}
}

func (w world) put(key, text string) {
	w.T.Helper()
	w.must(w.heads.Create(context.Background(), blob.KeyPrefix(w.org.Scope())+key+".json", "application/json", bytes.NewReader([]byte(text))))
}

// Of a chain that has gone by its age the signed head is not missed.
func TestAnAgedHeadIsNotMissed(t *testing.T) {
	w := newWorld(t, 3)
	w.sealed()
	w.signed()
	w.Clock.Advance(api.AuditLife)
	if r := w.verify(); !r.Intact || r.Records != 0 || r.Signed != 0 {
		t.Errorf("after 7 years: %+v; want nothing left and nothing missed", r)
	}
}

// A chain that slept until all of it had gone by its age, with its signed heads, goes on from what is left.
func TestAChainThatSleptForYearsIsSignedAgain(t *testing.T) {
	w := newWorld(t, 3)
	w.sealed()
	w.signed()
	w.Clock.Advance(api.AuditLife + 30*24*time.Hour)
	heads := new(blobtest.Bucket) // the lifecycle of the bucket has emptied it
	w.heads, w.notary.Heads = heads, heads
	w.later(1)
	w.sealed()
	w.signed()
	if h := w.newest(); h == nil || h.Sequence != 2 || w.clocks() != 0 {
		t.Errorf("signed %+v; want the second seal", h)
	}
	if r := w.verify(); !r.Intact || r.Signed != 2 {
		t.Errorf("the verification is %+v; want it intact", r)
	}
}

func TestTheHeadOfAnOrganizationThatHasGoneIsForgotten(t *testing.T) {
	for name, signed := range map[string]bool{"never signed": false, "signed before": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			w.sealed()
			if signed {
				w.signed()
				w.later(1)
				w.sealed()
			}
			w.everything()
			tx := w.Store.Begin()
			tx.DeleteKey(w.org, access.OrganizationGateKey(w.owner.Org), "")
			w.must(tx.Commit(context.Background()))
			w.Clock.Advance(72 * time.Hour)
			if w.clocks() != 1 {
				t.Fatal("no clock is left; want that of the day")
			}
			w.must(w.sign())
			if w.clocks() != 0 || len(w.seals()) != 0 {
				t.Errorf("%d clocks and %d seals are left; want neither", w.clocks(), len(w.seals()))
			}
		})
	}
}

func TestTheHeadOfAChainThatHasAgedIsForgotten(t *testing.T) {
	w := newWorld(t, 3)
	w.sealed()
	w.Clock.Advance(api.AuditLife + 30*24*time.Hour)
	for _, f := range []store.Family{api.FamilyAudit, chain.FamilySeal} {
		_, _, err := store.Purge(context.Background(), w.org, w.org.Scope().Partition(f))
		w.must(err)
	}
	w.due() // as the admission of a restored table has it set
	w.must(w.sign())
	if w.clocks() != 0 || w.newest() != nil {
		t.Errorf("%d clocks are left, signed is %+v; want nothing", w.clocks(), w.newest())
	}
}
