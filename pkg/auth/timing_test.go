package auth_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/size"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/invitations"
	"pixeltrack.io/platform/pkg/keyring"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/store"
)

// observed is what somebody sees who does not know whether an address has an account: how long one call took.
type observed struct {
	took  time.Duration
	known bool
}

// observe makes n calls about known and unknown addresses in random order, and measures each. Those about known addresses
// take the planted time longer.
func observe(n int, random *rand.Rand, planted time.Duration, prepare func(i int, known bool) (call func())) []observed {
	all := make([]observed, n)
	for i := range all {
		known := random.IntN(2) == 0
		call := prepare(i, known)
		start := time.Now()
		call()
		if known && planted > 0 {
			time.Sleep(planted)
		}
		all[i] = observed{time.Since(start), known}
	}
	return all
}

// score trains a classifier on one half of what was observed, and says how much of the other half it names rightly. The
// classifier cuts the times into at most 32 bins of equal weight and answers in each what was more frequent there, so it sees
// shifts as well as differences of shape.
func score(all []observed) float64 {
	var train, test []observed
	for i, o := range all {
		if i%2 == 0 {
			train = append(train, o)
		} else {
			test = append(test, o)
		}
	}
	bins := min(32, 1+len(train)/50)
	times := make([]time.Duration, len(train))
	for i, o := range train {
		times[i] = o.took
	}
	slices.Sort(times)
	bin := func(d time.Duration) int {
		at, _ := slices.BinarySearch(times, d)
		return min(bins-1, at*bins/len(times))
	}
	more := make([]int, bins)
	for _, o := range train {
		if o.known {
			more[bin(o.took)]++
		} else {
			more[bin(o.took)]--
		}
	}
	right := 0
	for _, o := range test {
		if o.known == (more[bin(o.took)] > 0) {
			right++
		}
	}
	return float64(right) / float64(len(test))
}

// TestTheClassifierSees lets it learn from made-up times: a shift of 5 ms in a spread of 10 is found, and where there is
// none it is right as often as a coin.
func TestTheClassifierSees(t *testing.T) {
	tests := []struct {
		shift       time.Duration
		least, most float64
	}{
		{0, 0.48, 0.52},
		{5 * time.Millisecond, 0.58, 0.62},
		{50 * time.Millisecond, 0.98, 1},
	}
	random := rand.New(rand.NewPCG(20261128, 1))
	for _, tt := range tests {
		all := make([]observed, 20_000)
		for i := range all {
			all[i] = observed{100*time.Millisecond + time.Duration(random.NormFloat64()*float64(10*time.Millisecond)), random.IntN(2) == 0}
			if all[i].known {
				all[i].took += tt.shift
			}
		}
		if got := score(all); got < tt.least || got > tt.most {
			t.Errorf("a shift of %s: the classifier scores %.4f; want %.2f to %.2f", tt.shift, got, tt.least, tt.most)
		}
	}
}

// TestTimesDoNotTellWhoHasAnAccount lets a classifier learn from the times of 20,000 calls about known and unknown addresses
// at each of the four places where somebody could ask. The small size makes the calls and judges no times.
func TestTimesDoNotTellWhoHasAnAccount(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	public := func(body func(email string) any) func(*world, string) (apitest.Caller, apitest.Request) {
		return func(_ *world, email string) (apitest.Caller, apitest.Request) {
			return apitest.Caller{}, apitest.Request{Body: body(email)}
		}
	}
	places := []struct {
		name  string
		op    func(*world) api.Operation
		write func(w *world, email string) (apitest.Caller, apitest.Request)
		want  int
	}{
		{"forgot-password", func(w *world) api.Operation { return auth.ForgotPassword(w.Store, w.pseudonyms, w.links) },
			public(func(email string) any { return map[string]any{"email": email} }), http.StatusAccepted},
		{"create-invitations", func(w *world) api.Operation { return invitations.CreateInvitations(w.Store, w.pseudonyms, w.links) },
			func(w *world, email string) (apitest.Caller, apitest.Request) {
				return w.owner(), apitest.Request{Body: map[string]any{"invitations": []map[string]any{{"email": email, "role": "member"}}}}
			}, http.StatusOK},
		{"log-in", func(w *world) api.Operation { return auth.LogIn(w.Store, w.pseudonyms, w.refresh, w.minter) },
			public(func(email string) any { return map[string]any{"email": email, "password": better} }), http.StatusUnauthorized},
		{"sign-up", func(w *world) api.Operation { return auth.SignUp(w.Store, w.pseudonyms, w.links, nil) },
			public(func(email string) any { return signUpBody(email) }), http.StatusAccepted},
	}
	for _, place := range places {
		t.Run(place.name, func(t *testing.T) {
			w := newWorld(t)
			// Many accounts, asked about in turn: what is counted by address is refused at none.
			accounts := size.Of(4, 100)
			var known, unknown []string
			for i := range accounts {
				known = append(known, w.somebody(fmt.Sprintf("known-%03d@example.com", i)).email)
				unknown = append(unknown, fmt.Sprintf("other-%03d@example.com", i))
			}
			w.Clock.Advance(time.Hour)
			serve := w.Serve(place.op(w))
			prepare := func(i int, has bool) func() {
				w.Clock.Advance(time.Hour / time.Duration(accounts))
				email := unknown[i%accounts]
				if has {
					email = known[i%accounts]
				}
				c, r := place.write(w, email)
				return func() {
					if a := serve(c, r); a.Status != place.want {
						t.Fatalf("call %d = %d %s", i, a.Status, a.Body)
					}
				}
			}
			observe(size.Of(20, 100), random, 0, prepare) // what is cold is warm now
			if !size.Full() {
				return
			}
			got := score(observe(20_000, random, 0, prepare))
			t.Logf("of 10,000 calls %.4f are named rightly", got)
			if got < 0.48 || got > 0.52 {
				t.Errorf("the classifier scores %.4f; want 0.50 ± 0.02", got)
			}
			planted := score(observe(4_000, random, 5*time.Millisecond, prepare))
			t.Logf("with 5 ms planted %.4f", planted)
			if planted <= 0.6 {
				t.Errorf("with 5 ms planted the classifier scores %.4f; want more than 0.6: it sees nothing", planted)
			}
		})
	}
}

// owner makes an organization, whose owner has a token of now: one organization sends few invitations a day.
func (w *world) owner() apitest.Caller {
	w.T.Helper()
	ring, err := store.Get[keyring.Ring](context.Background(), w.Store.BindPlatform(store.Actor{Who: "test"}), keyring.RingKey())
	w.must(err)
	c := w.Organization()
	m := keys.Minter{Issuer: w.minter.Issuer, KeyID: ring.PublicKeys[0].ID, Sign: w.sign}
	c.Token, err = m.Mint(context.Background(), keys.Claims{User: c.User, Organization: c.Org, Member: c.Member, Session: c.Session,
		Role: string(c.Role), GrantVersion: 1, Proved: w.Clock.Now(), ID: "test"}, w.Clock.Now())
	w.must(err)
	return c
}
