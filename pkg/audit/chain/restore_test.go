package chain_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/audit/chain"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keyring"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/store/storetest"
)

// backup is a table with every row that the world's has.
func (w world) backup() string {
	w.T.Helper()
	_, name := storetest.Table(w.T)
	db := dynamodb.NewFromConfig(w.AWS)
	pages := dynamodb.NewScanPaginator(db, &dynamodb.ScanInput{TableName: aws.String(w.Table), ConsistentRead: aws.Bool(true)})
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

// restored is the world over a backup, which is admitted now.
func (w world) restored(backup string) world {
	w.T.Helper()
	w.World = w.Over(backup)
	w.org = w.Store.BindOrganization(w.owner.Org, store.Actor{Who: "test"})
	w.Clock.Advance(time.Second)
	w.admit(w.Clock.Now())
	return w
}

// admit writes into the ring that the table was admitted after a restore, as its admission does, or somebody who claims it.
func (w world) admit(at time.Time) {
	w.T.Helper()
	ring, err := store.Get[keyring.Ring](context.Background(), w.Store.BindPlatform(store.Actor{}), keyring.RingKey())
	if errors.Is(err, store.ErrMissing) {
		ring, err = new(keyring.Ring), nil
	}
	w.must(err)
	ring.Restored = at.Unix()
	w.tamper(func(tx *store.Tx) { tx.Put(w.Store.BindPlatform(store.Actor{Who: "test"}), ring) })
}

// grow adds a seal of one record.
func (w world) grow() {
	w.T.Helper()
	w.later(1)
	w.sealed()
}

// nextDay lets the jobs of a day run.
func (w world) nextDay() error {
	w.T.Helper()
	w.Clock.Advance(25 * time.Hour)
	w.must(w.seal())
	w.Clock.Advance(time.Hour)
	return w.sign()
}

// faults are those of the findings.
func faults(r chain.Report) (all []chain.Fault) {
	for _, f := range r.Findings {
		all = append(all, f.Fault)
	}
	return all
}

// wantRestored compares the restorations of a report, without their time, and says that nothing else is wrong.
func (w world) wantRestored(when string, want ...chain.Restored) {
	w.T.Helper()
	r := w.verify()
	var unsigned []chain.Fault
	for _, x := range want {
		if !x.Signed {
			unsigned = append(unsigned, chain.RestorationUnsigned)
		}
	}
	got := slices.Clone(r.Restored)
	for i := range got {
		if got[i].At.IsZero() {
			w.T.Errorf("%s a restoration has no time: %+v", when, got[i])
		}
		got[i].At = time.Time{}
	}
	if !slices.Equal(got, want) || !slices.Equal(faults(r), unsigned) || r.Intact != (len(unsigned) == 0) {
		w.T.Errorf("%s the verification is %+v; want the restorations %+v and the findings %v", when, r, want, unsigned)
	}
}

// lived has a chain whose second seal is signed and whose third is not, a backup of that, and two seals more, the first of
// them signed.
func lived(t *testing.T) (w world, backup string) {
	w = newWorld(t, 150)
	w.sealed()
	w.signed()
	w.grow()
	backup = w.backup()
	w.grow()
	w.signed()
	w.grow()
	return w, backup
}

// A restore takes a chain back behind what was signed, and it may have grown since, as far as that, or farther.
func TestARestoredChainIsSealedAndSignedAgain(t *testing.T) {
	for grown := range 3 {
		t.Run(fmt.Sprintf("grown by %d", grown), func(t *testing.T) {
			w, backup := lived(t)
			w = w.restored(backup)
			at := w.Clock.Now()
			w.wantRestored("at first", chain.Restored{LostTo: 4})
			for range grown {
				w.grow()
			}
			w.wantRestored("before the signing", chain.Restored{LostTo: 4})
			w.must(w.nextDay())
			n := int64(max(3+grown, 4) + 1)
			want := chain.Restored{Seal: n, LostFrom: 3, LostTo: 4, Signed: true}
			w.wantRestored("after the signing", want)
			if h := w.newest(); h.Sequence != n || h.Records != int64(151+grown) || w.clocks() != 0 || len(w.heads.Keys()) != 3 {
				t.Errorf("signed %+v, %d clocks, %v; want the seal of the restoration in a third head", h, w.clocks(), w.heads.Keys())
			}
			if r := w.verify(); !r.Restored[0].At.Equal(at) {
				t.Errorf("restored at %v; want %v", r.Restored[0].At, at)
			}
			if !strings.Contains(w.Log.String(), `"audit_chain_restored","level":"warn","object_id":"`+string(w.owner.Org)+`"`) {
				t.Error("the log does not tell of it")
			}
			w.grow()
			w.must(w.nextDay())
			w.wantRestored("a day later", want)
			if h := w.newest(); h.Sequence != n+1 || h.Records != int64(152+grown) {
				t.Errorf("signed %+v; want the next seal", h)
			}
		})
	}
}

// A chain that was signed to its end, and has no clock but the daily one, is looked at though it never grows again.
func TestARestoredChainThatDoesNotGrowComesToRest(t *testing.T) {
	w := newWorld(t, 3)
	w.sealed()
	w.signed()
	backup := w.backup()
	w.grow()
	w.signed()
	w = w.restored(backup)
	if n := w.clocks(); n != 0 {
		t.Fatalf("%d clocks; want none", n)
	}
	w.must(w.nextDay())
	want := chain.Restored{Seal: 3, LostFrom: 2, LostTo: 2, Signed: true}
	w.wantRestored("after a day", want)
	for range 3 {
		w.must(w.nextDay())
	}
	w.wantRestored("after days", want)
	if w.clocks() != 0 || len(w.heads.Keys()) != 3 {
		t.Errorf("%d clocks and %v; want it at rest", w.clocks(), w.heads.Keys())
	}
}

// A chain that had come no farther when the backup was made needs no seal.
func TestAChainThatARestoreDidNotTouchGoesOn(t *testing.T) {
	w := newWorld(t, 3)
	w.sealed()
	w.signed()
	w = w.restored(w.backup())
	w.wantRestored("at first")
	w.must(w.nextDay())
	w.grow()
	w.must(w.nextDay())
	w.wantRestored("after days")
	if h := w.newest(); h.Sequence != 2 || w.clocks() != 0 {
		t.Errorf("signed %+v; want the second seal", h)
	}
}

// What was not signed before the restore is not explained by it.
func TestARestoreExplainsNothingThatCameAfterIt(t *testing.T) {
	for _, tt := range []struct {
		name   string
		tamper func(w world)
		want   chain.Fault
	}{
		{"the whole chain made anew", world.remake, chain.ChainRemade},
		{"everything deleted", world.everything, chain.ChainCut},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 30)
			w = w.restored(w.backup())
			w.sealed()
			w.signed()
			tt.tamper(w)
			if r := w.verify(); !slices.Equal(faults(r), []chain.Fault{tt.want}) || len(r.Restored) != 0 {
				t.Errorf("found %+v; want %q alone", r, tt.want)
			}
			w.grow()
			if err := w.nextDay(); !errors.Is(err, chain.ErrBroken) || w.clocks() != 1 {
				t.Errorf("signing = %v with %d clocks; want ErrBroken and its clock", err, w.clocks())
			}
		})
	}
}

// chop cuts seals off the end, as somebody can who writes the table.
func (w world) chop(last *chain.Seal, behind ...*chain.Seal) {
	w.T.Helper()
	w.tamper(func(tx *store.Tx) {
		for _, s := range behind {
			tx.DeleteKey(w.org, s.Keys().Primary, "")
			for _, m := range s.Records {
				tx.DeleteKey(w.org, store.Key{PK: w.org.Scope().Partition(api.FamilyAudit), SK: m.Key}, "")
			}
		}
		tx.Change(w.org, chain.HeadKey(w.owner.Org), func(u *dynamo.Update) {
			u.Set("sequence", last.Sequence).Set("sha256", last.Hash).Set("last", last.Records[len(last.Records)-1].Key)
		})
	})
}

// Somebody who writes the ring and claims a restore is named as one who restored: what is not there as it was signed is
// listed as lost, for good. What does not even fit together is never signed.
func TestWhoClaimsARestoreIsNamed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		tamper func(w world, seals []*chain.Seal)
		signs  error
		lost   int64 // from there
	}{
		{"seals cut off", func(w world, s []*chain.Seal) { w.chop(s[0], s[1], s[2]) }, nil, 2},
		{"the chain made anew", func(w world, _ []*chain.Seal) { w.remake() }, nil, 1},
		{"everything deleted", func(w world, _ []*chain.Seal) { w.everything() }, nil, 1},
		{"a seal dropped between", func(w world, s []*chain.Seal) {
			w.chop(s[1], s[2])
			w.tamper(func(tx *store.Tx) { tx.DeleteKey(w.org, s[0].Keys().Primary, "") })
		}, nil, 3}, // which the verification names
		{"a seal dropped behind what was signed", func(w world, s []*chain.Seal) {
			w.tamper(func(tx *store.Tx) { tx.DeleteKey(w.org, s[1].Keys().Primary, "") })
			w.tamper(func(tx *store.Tx) {
				tx.Change(w.org, chain.HeadKey(w.owner.Org), func(u *dynamo.Update) { u.Set("sha256", strings.Repeat("0", 64)) })
			})
		}, chain.ErrBroken, 0},
		{"the head alone deleted", func(w world, _ []*chain.Seal) {
			w.tamper(func(tx *store.Tx) { tx.DeleteKey(w.org, chain.HeadKey(w.owner.Org), "") })
		}, chain.ErrBroken, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 20)
			w.sealed()
			w.signed()
			for range 2 {
				w.grow()
				w.signed()
			}
			tt.tamper(w, w.seals())
			w.Clock.Advance(time.Second)
			w.admit(w.Clock.Now())
			r := w.verify()
			if claimed := len(r.Restored) == 1 && r.Restored[0].LostTo == 3 && slices.Contains(faults(r), chain.RestorationUnsigned); r.Intact || claimed != (tt.signs == nil) {
				t.Errorf("found %+v; want the restoration that is claimed, or what a restore does not do", r)
			}
			w.tamper(func(tx *store.Tx) {
				tx.Arm(w.org, store.NewDue(chain.DueHead, w.Clock.Now(), chain.HeadKey(w.owner.Org)))
			})
			if err := w.sign(); !errors.Is(err, tt.signs) {
				t.Fatalf("signing = %v; want %v", err, tt.signs)
			}
			if tt.signs != nil {
				return
			}
			r = w.verify()
			if len(r.Restored) != 1 || r.Restored[0].LostFrom != tt.lost || r.Restored[0].LostTo != 3 || r.Restored[0].Seal < 4 {
				t.Errorf("%+v; want named that the seals from %d on are lost", r, tt.lost)
			}
			if dropped := tt.lost == 3; r.Intact == dropped || dropped != slices.Contains(faults(r), chain.SealDropped) {
				t.Errorf("%+v; want what a restore does not do named, too", r)
			}
		})
	}
}

// sealOf is a restoration seal as somebody makes it who knows this package.
func (w world) sealOf(before *chain.Seal, what chain.Restoration) *chain.Seal {
	what.After, what.Last = before.Sequence, before.Records[len(before.Records)-1].Key
	s := &chain.Seal{Organization: w.owner.Org, Sequence: max(what.Sequence, what.After) + 1, At: w.Clock.Now().Unix(), Previous: before.Hash, Restored: &what}
	s.Hash = hashOf(w.T, struct {
		Organization        id.Organization
		Sequence, At, Since int64
		Records             []chain.Mark
		Previous            string
		Restored            *chain.Restoration
	}{s.Organization, s.Sequence, s.At, s.Since, nil, s.Previous, s.Restored})
	return s
}

// lay makes a seal the end of the chain.
func (w world) lay(s *chain.Seal) {
	w.T.Helper()
	w.tamper(func(tx *store.Tx) {
		tx.Put(w.org, s)
		tx.Change(w.org, chain.HeadKey(w.owner.Org), func(u *dynamo.Update) {
			u.Set("sequence", s.Sequence).Set("sha256", s.Hash).Set("restored", s.At)
		})
		tx.Arm(w.org, store.NewDue(chain.DueHead, w.Clock.Now(), chain.HeadKey(w.owner.Org)))
	})
}

// A restoration seal that somebody laid is worth nothing where the table was not restored, also if it loses nothing.
func TestARestorationSealWithoutARestoreIsAFinding(t *testing.T) {
	w := newWorld(t, 20)
	w.sealed()
	w.grow()
	w.signed()
	seals, head := w.seals(), w.newest()
	for _, tt := range []struct {
		name string
		cut  bool
		want []chain.Fault
	}{
		{"behind the signed head", false, []chain.Fault{chain.RestorationUnsigned}},
		{"over seals that were cut off", true, []chain.Fault{chain.RestorationUnsigned}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := w
			w.World = w.In(t)
			w.World = w.Over(w.backup())
			w.org = w.Store.BindOrganization(w.owner.Org, store.Actor{Who: "test"})
			before := seals[1]
			if tt.cut {
				w.chop(seals[0], seals[1])
				before = seals[0]
			}
			w.lay(w.sealOf(before, chain.Restoration{At: w.Clock.Now().Unix(), Sequence: head.Sequence, SHA256: head.SHA256, Kept: before.Sequence}))
			if r := w.verify(); r.Intact || !slices.Equal(faults(r), tt.want) {
				t.Errorf("found %+v; want %v", r.Findings, tt.want)
			}
			if err := w.sign(); !errors.Is(err, chain.ErrBroken) {
				t.Errorf("signing = %v; want ErrBroken", err)
			}
			w.Clock.Advance(time.Second)
			w.admit(w.Clock.Now())
			if err := w.sign(); tt.cut && err != nil || !tt.cut && !errors.Is(err, chain.ErrBroken) {
				t.Errorf("signing with a restore claimed = %v", err)
			}
		})
	}
}

// A seal that was laid before the notary came, and says that less was lost, is not taken for the notary's.
func TestARestorationSealThatUnderstatesIsNotTaken(t *testing.T) {
	w := newWorld(t, 20)
	w.sealed()
	w.signed()
	for range 2 {
		w.grow()
		w.signed()
	}
	seals, head := w.seals(), w.newest()
	w = w.restored(w.backup())
	w.chop(seals[0], seals[1], seals[2])
	w.lay(w.sealOf(seals[0], chain.Restoration{At: w.Clock.Now().Unix(), Sequence: head.Sequence, SHA256: head.SHA256, Kept: 2}))
	w.must(w.sign())
	w.wantRestored("after the signing", chain.Restored{Seal: 4, LostFrom: 3, LostTo: 3, Signed: true}, chain.Restored{Seal: 5, LostFrom: 2, LostTo: 3, Signed: true})
}

// Nobody takes the seal of a restoration away again.
func TestARestorationStaysOnRecord(t *testing.T) {
	for _, tt := range []struct {
		name   string
		tamper func(tx *store.Tx, w world, s *chain.Seal)
		want   []chain.Fault
	}{
		{"dropped", func(tx *store.Tx, w world, s *chain.Seal) { tx.DeleteKey(w.org, s.Keys().Primary, "") }, []chain.Fault{chain.SealDropped}},
		{"edited", func(tx *store.Tx, w world, s *chain.Seal) {
			tx.Change(w.org, s.Keys().Primary, func(u *dynamo.Update) { u.Set("restored.kept", 4) })
		}, []chain.Fault{chain.SealEdited}},
		{"without what makes it one", func(tx *store.Tx, w world, s *chain.Seal) {
			tx.Change(w.org, s.Keys().Primary, func(u *dynamo.Update) { u.Remove("restored") })
		}, []chain.Fault{chain.SealDropped, chain.SealEdited}},
		{"with a record", func(tx *store.Tx, w world, s *chain.Seal) {
			s.Records = w.seals()[0].Records[:1]
			tx.Put(w.org, s)
		}, []chain.Fault{chain.SealEdited}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, backup := lived(t)
			w = w.restored(backup)
			w.must(w.nextDay())
			w.grow()
			w.must(w.nextDay())
			seals := w.seals()
			if len(seals) != 5 || seals[3].Restored == nil || seals[3].Sequence != 5 {
				t.Fatalf("%d seals", len(seals))
			}
			w.tamper(func(tx *store.Tx) { tt.tamper(tx, w, seals[3]) })
			if got := faults(w.verify()); len(got) < len(tt.want) || !slices.Equal(got[:len(tt.want)], tt.want) {
				t.Errorf("found %v; want %v before all else", got, tt.want)
			}
		})
	}
}

// A call that meets a restoration far from the end of its chain tells of it, and whether it is vouched for.
func TestARestorationIsToldByTheCallThatMeetsIt(t *testing.T) {
	w, backup := lived(t)
	w = w.restored(backup)
	w.must(w.nextDay())
	for range 22 {
		w.grow()
	}
	want := chain.Restored{Seal: 5, LostFrom: 3, LostTo: 4, Signed: true}
	w.wantRestored("before the next signing", want)
	w.must(w.nextDay())
	w.wantRestored("after it", want)
	r, err := chain.Verify(context.Background(), w.org, w.notary.Witness, w.Clock.Now(), "")
	w.must(err)
	if r.Next == "" || len(r.Restored) != 1 {
		t.Errorf("the first call = %+v; want the restoration in it, and more to come", r)
	}
	r, err = chain.Verify(context.Background(), w.org, w.notary.Witness, w.Clock.Now(), "5") // from the restoration on
	w.must(err)
	if !r.Intact || len(r.Restored) != 0 || r.Seals != 20 {
		t.Errorf("the call behind it = %+v; want the chain to go on", r)
	}
	w.notary.Heads = new(blobtest.Bucket) // as if nobody had signed
	r, err = chain.Verify(context.Background(), w.org, w.notary.Witness, w.Clock.Now(), "")
	w.must(err)
	if !slices.Equal(faults(*r), []chain.Fault{chain.RestorationUnsigned}) || r.Findings[0].Seal != 5 || r.Restored[0].Signed {
		t.Errorf("without a signed head the first call = %+v; want the restoration found", r)
	}
}

// A record that somebody puts beside a restoration is one too many, like any other.
func TestARecordBesideARestorationIsAdded(t *testing.T) {
	w, backup := lived(t)
	w = w.restored(backup)
	w.must(w.nextDay())
	w.grow()
	seals := w.seals()
	key := seals[2].Records[0].Key
	w.tamper(func(tx *store.Tx) {
		tx.Put(w.org, &forged{sk: key[:len(key)-4] + "ZZZZ", scope: w.org.Scope()})
	})
	if r := w.verify(); !slices.Equal(faults(r), []chain.Fault{chain.RecordAdded}) {
		t.Errorf("found %+v; want the record", r.Findings)
	}
}

func TestSignersAtOnceSealOneRestoration(t *testing.T) {
	w, backup := lived(t)
	w = w.restored(backup)
	w.Clock.Advance(26 * time.Hour)
	w.atOnce(w.sign)
	w.must(w.sign())
	w.wantRestored("after six at once", chain.Restored{Seal: 5, LostFrom: 3, LostTo: 4, Signed: true})
	if len(w.heads.Keys()) != 3 || w.clocks() != 0 {
		t.Errorf("%v and %d clocks; want one head more and none", w.heads.Keys(), w.clocks())
	}
}

// A notary that dies between the seal and the signature leaves the signature to the next run, also when the chain has grown
// meanwhile. Until then the seal is told, and nothing vouches for it.
func TestANotaryThatIsKilledBehindItsRestorationSeal(t *testing.T) {
	for grown := range 2 {
		t.Run(fmt.Sprintf("grown by %d", grown), func(t *testing.T) {
			w, backup := lived(t)
			w = w.restored(backup)
			w.Clock.Advance(26 * time.Hour)
			gone := errors.New("killed")
			dying := w
			dying.notary.Sign = func(context.Context, []byte) ([]byte, error) { return nil, gone }
			if err := dying.sign(); !errors.Is(err, gone) || w.clocks() != 1 {
				t.Errorf("signing = %v and %d clocks; want its death and the clock", err, w.clocks())
			}
			w.wantRestored("without a signature", chain.Restored{Seal: 5, LostFrom: 3, LostTo: 4})
			for range grown {
				w.grow()
			}
			w.must(w.nextDay())
			w.wantRestored("after the next run", chain.Restored{Seal: 5, LostFrom: 3, LostTo: 4, Signed: true})
			if h := w.newest(); h.Sequence != int64(5+grown) || w.clocks() != 0 {
				t.Errorf("signed %+v", h)
			}
		})
	}
}

// The table may be restored again: from what the first restore had made, or once more from the table of before.
func TestASecondRestore(t *testing.T) {
	first := chain.Restored{Seal: 5, LostFrom: 3, LostTo: 4, Signed: true}
	t.Run("from behind the first", func(t *testing.T) {
		w, backup := lived(t)
		w = w.restored(backup)
		w.must(w.nextDay())
		backup = w.backup()
		w.grow()
		w.must(w.nextDay()) // 6
		w = w.restored(backup)
		w.wantRestored("at first", first, chain.Restored{LostTo: 6})
		w.must(w.nextDay())
		w.wantRestored("after the signing", first, chain.Restored{Seal: 7, LostFrom: 6, LostTo: 6, Signed: true})
	})
	t.Run("from between the first and its seal", func(t *testing.T) {
		w, backup := lived(t)
		w = w.restored(backup)
		w.grow() // 4 again
		backup = w.backup()
		w.grow()
		w.must(w.nextDay()) // 6
		w = w.restored(backup)
		w.must(w.nextDay())
		w.wantRestored("after the signing", chain.Restored{Seal: 7, LostFrom: 3, LostTo: 6, Signed: true})
	})
	t.Run("from between the seal of the first and its signature", func(t *testing.T) {
		w, backup := lived(t)
		w = w.restored(backup)
		w.Clock.Advance(26 * time.Hour)
		dying := w
		dying.notary.Sign = func(context.Context, []byte) ([]byte, error) { return nil, errors.New("killed") }
		if dying.sign() == nil {
			t.Fatal("it lives")
		}
		w = w.restored(w.backup())
		w.must(w.nextDay())
		w.wantRestored("after the signing", first, chain.Restored{Seal: 6, LostFrom: 3, LostTo: 4, Signed: true})
	})
	t.Run("from the table of before, at a later time", func(t *testing.T) {
		old, backup := lived(t)
		old.grow() // 6, where the restoration of the other will be, too
		w := old.restored(backup)
		w.grow()
		w.grow()
		w.must(w.nextDay()) // 6
		w = old.restored(old.backup())
		w.wantRestored("at first", chain.Restored{LostTo: 6})
		w.must(w.nextDay())
		w.wantRestored("after the signing", chain.Restored{Seal: 7, LostFrom: 5, LostTo: 6, Signed: true})
	})
}

// The backup may be from before the first head was signed, the first seal made, or the first record written.
func TestARestoreToBeforeTheFirstHead(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before func(w world)
		want   chain.Restored
	}{
		{"a seal that is not signed", func(w world) { w.sealed() }, chain.Restored{Seal: 4, LostFrom: 1, LostTo: 3, Signed: true}},
		{"records without a seal", func(w world) { w.told() }, chain.Restored{Seal: 4, LostFrom: 1, LostTo: 3, Signed: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, 3)
			tt.before(w)
			backup := w.backup()
			w.sealed()
			for w.newest() == nil || w.newest().Sequence < 3 {
				w.grow()
				w.signed()
			}
			w = w.restored(backup)
			w.wantRestored("at first", chain.Restored{LostTo: 3})
			w.must(w.nextDay())
			w.must(w.nextDay())
			w.wantRestored("after the signing", tt.want)
			if r := w.verify(); r.Records != 3 || w.clocks() != 0 {
				t.Errorf("%+v with %d clocks; want all records sealed, at rest", r, w.clocks())
			}
		})
	}
	t.Run("nothing, with the first record after the restore", func(t *testing.T) {
		w := newWorld(t, 0)
		backup := w.backup()
		w.grow()
		w.signed()
		w = w.restored(backup)
		w.wantRestored("at first", chain.Restored{LostTo: 1})
		w.grow()
		w.must(w.nextDay())
		w.wantRestored("after the signing", chain.Restored{Seal: 2, LostFrom: 1, LostTo: 1, Signed: true})
	})
	t.Run("nothing, with a clock alone", func(t *testing.T) {
		w := newWorld(t, 0)
		backup := w.backup()
		w.grow()
		w.signed()
		w = w.restored(backup)
		w.due()
		w.must(w.sign())
		want := chain.Restored{Seal: 2, LostFrom: 1, LostTo: 1, Signed: true}
		w.wantRestored("after the signing", want)
		w.grow()
		w.must(w.nextDay())
		w.wantRestored("a day later", want)
		if r := w.verify(); r.Records != 1 || r.Signed != 3 {
			t.Errorf("%+v; want the chain to go on behind the restoration", r)
		}
	})
}

// Records that waited for their seal in the backup are not late because the backup is old.
func TestWhatWaitedInABackupIsNotLate(t *testing.T) {
	w := newWorld(t, 3)
	w.sealed()
	w.signed()
	w.later(1)
	backup := w.backup()
	w.Clock.Advance(30 * 24 * time.Hour)
	w = w.restored(backup)
	w.wantRestored("at first")
	w.Clock.Advance(25 * time.Hour)
	if r := w.verify(); !slices.Equal(faults(r), []chain.Fault{chain.RecordAdded}) {
		t.Errorf("after a day: %+v; want a record that nobody seals", r)
	}
	w.must(w.seal())
	w.wantRestored("when it is sealed")
}

// PixelTrack's own chain is taken back like any other.
func TestTheChainOfStaffIsRestored(t *testing.T) {
	w := newWorld(t, 0)
	ctx, lead := context.Background(), w.Staff(access.SecurityLead)
	op := api.New(api.Route{ID: "look", Area: "test", Method: "GET", Path: "/v1/looks", Audience: api.Staff, Audit: true, Purpose: "security", Permission: access.StaffAuditRead},
		func(context.Context, *api.Caller, *struct{}) (*struct{}, error) { return nil, nil })
	look := func(w world) {
		t.Helper()
		lead.Proved = w.Clock.Now()
		w.Want(w.Call(op, w.Later(lead, 0), apitest.Request{}), 200, "")
		w.must(w.do(fmt.Sprintf(`{"source":"pixeltrack","detail-type":"AuditRecorded","time":%q,"detail":{"pk":%q,"sk":"x"}}`, w.Clock.Now().Format(time.RFC3339), "PLATFORM#AUDIT")))
		w.Clock.Advance(20 * time.Minute)
		w.must(w.seal())
	}
	look(w)
	backup := w.backup()
	look(w)
	w.signed()
	w = w.restored(backup)
	w.must(w.nextDay())
	r, err := chain.Verify(ctx, w.Store.BindPlatform(store.Actor{Who: "test"}), w.notary.Witness, w.Clock.Now(), "")
	w.must(err)
	if !r.Intact || r.Signed != 3 || len(r.Restored) != 1 || r.Restored[0].Seal != 3 || r.Restored[0].LostFrom != 1 || r.Restored[0].LostTo != 2 {
		t.Errorf("the chain of staff is %+v; want its restoration named and signed", r)
	}
}

// A restoration is kept for as long as a record of its time, and the chain ages around it.
func TestARestoredChainAges(t *testing.T) {
	w := newWorld(t, 101)
	w.sealed()
	w.signed()
	w.Clock.Advance(api.AuditLife - 8*24*time.Hour)
	backup := w.backup()
	w.later(3)
	w.sealed()
	w.signed()
	w = w.restored(backup)
	w.must(w.nextDay())
	want := chain.Restored{Seal: 4, LostFrom: 3, LostTo: 3, Signed: true}
	w.wantRestored("before its time", want)
	w.Clock.Advance(9 * 24 * time.Hour)
	w.wantRestored("when what was before it has gone", want)
	w.grow()
	w.must(w.nextDay())
	w.wantRestored("with one more", want)
	w.tamper(func(tx *store.Tx) { tx.DeleteKey(w.org, w.seals()[0].Keys().Primary, "") })
	if r := w.verify(); !slices.Equal(faults(r), []chain.Fault{chain.SealDropped}) {
		t.Errorf("found %+v; want it missed though all before has gone", r)
	}
	w.Clock.Advance(api.AuditLife)
	if r := w.verify(); !r.Intact || r.Seals != 0 || len(r.Restored) != 0 {
		t.Errorf("after 7 years: %+v; want nothing left and nothing missed", r)
	}
}

// What waited in the backup is older than the restoration before it, and goes first.
func TestSealsOlderThanTheirRestorationGoFirst(t *testing.T) {
	w := newWorld(t, 3)
	w.sealed()
	w.signed()
	w.later(1)
	backup := w.backup()
	w.sealed()
	w.signed()
	w.Clock.Advance(20 * 24 * time.Hour)
	w = w.restored(backup)
	w.due()
	w.must(w.sign()) // 3
	w.must(w.nextDay())
	w.grow() // 5
	w.must(w.nextDay())
	want := chain.Restored{Seal: 3, LostFrom: 2, LostTo: 2, Signed: true}
	w.wantRestored("at first", want)
	w.Clock.Advance(api.AuditLife - 10*24*time.Hour)
	w.wantRestored("when what waited has gone", want)
	if n := len(w.seals()); n != 2 {
		t.Errorf("%d seals are left; want that of the restoration and the last", n)
	}
}
