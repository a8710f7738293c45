package keys_test

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/keys"
)

const (
	issuer = "https://api.example.org"
	user   = "usr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"
	org    = "org_01J8ZQ4M2V6TQ0Y7N3W5K9XDCC"
	member = "mbr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCD"
	sess   = "ses_01J8ZQ4M2V6TQ0Y7N3W5K9XDCE"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// ring is a set of keys in memory.
type ring map[string]ed25519.PublicKey

func (r ring) Key(_ context.Context, kid string) (ed25519.PublicKey, error) { return r[kid], nil }

func newKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize)))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func signer(k ed25519.PrivateKey) keys.SignFunc {
	return func(_ context.Context, message []byte) ([]byte, error) { return ed25519.Sign(k, message), nil }
}

func claims() keys.Claims {
	return keys.Claims{User: user, Organization: org, Member: member, Session: sess, Role: "admin", Grants: []string{"clients.write"}, GrantVersion: 7, ID: "tok_1"}
}

func mint(t testing.TB, k ed25519.PrivateKey, c keys.Claims, at time.Time) string {
	t.Helper()
	token, err := (&keys.Minter{Issuer: issuer, KeyID: "k1", Sign: signer(k)}).Mint(context.Background(), c, at)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// forge signs any header and payload.
func forge(k ed25519.PrivateKey, header, payload string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(k, []byte(text)))
}

func verifier(now time.Time) *keys.Verifier {
	return &keys.Verifier{Keys: ring{"k1": public(newKey('a')), "k2": public(newKey('b'))}, Issuer: issuer, Audience: keys.Audience, Now: func() time.Time { return now }}
}

const head = `{"alg":"EdDSA","typ":"at+jwt","kid":"k1"}`

// body is the payload of a good token with some of its texts replaced.
func body(replace ...string) string {
	text := fmt.Sprintf(`{"iss":"%s","aud":"%s","sub":"%s","org":"%s","mbr":"%s","sid":"%s","role":"admin","sv":7,"iat":%d,"nbf":%d,"exp":%d,"jti":"tok_1"}`,
		issuer, keys.Audience, user, org, member, sess, start.Unix(), start.Unix(), start.Add(15*time.Minute).Unix())
	return strings.NewReplacer(replace...).Replace(text)
}

func TestMintAndVerify(t *testing.T) {
	proved := claims()
	proved.Proved = start.Add(-time.Hour)
	for _, c := range []keys.Claims{claims(), proved, {User: user, Session: sess, ID: "tok_2"}} {
		got, err := verifier(start.Add(time.Minute)).Verify(context.Background(), mint(t, newKey('a'), c, start))
		if err != nil {
			t.Fatalf("Verify = %v; want the claims", err)
		}
		c.IssuedAt, c.ExpiresAt = start, start.Add(keys.TokenLife)
		if !reflect.DeepEqual(got, c) {
			t.Errorf("Verify = %+v; want %+v", got, c)
		}
	}
}

func TestVerifyTimes(t *testing.T) {
	tests := []struct {
		name string
		at   time.Duration // from when it was made
		want error
	}{
		{"at once", 0, nil},
		{"a machine that is five seconds behind", -5 * time.Second, nil},
		{"a token from the future", -6 * time.Second, keys.ErrInvalid},
		{"a second before its end", 15*time.Minute - time.Second, nil},
		{"at its end", 15 * time.Minute, keys.ErrExpired},
		{"years after", 20000 * time.Hour, keys.ErrExpired},
	}
	token := mint(t, newKey('a'), claims(), start)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := verifier(start.Add(tt.at)).Verify(context.Background(), token); !errors.Is(err, tt.want) {
				t.Errorf("Verify = %v; want %v", err, tt.want)
			}
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	a, b := newKey('a'), newKey('b')
	good := forge(a, head, body())
	if _, err := verifier(start).Verify(context.Background(), good); err != nil {
		t.Fatalf("Verify of the good token = %v; the cases below would prove nothing", err)
	}
	parts := strings.Split(good, ".")
	confused := func(alg string) string {
		text := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(head, "EdDSA", alg, 1))) + "." + parts[1]
		m := hmac.New(sha256.New, public(a))
		m.Write([]byte(text))
		return text + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
	}
	header := func(old, new string) string { return forge(a, strings.Replace(head, old, new, 1), body()) }
	tests := []struct{ name, token string }{
		{"nothing", ""},
		{"two parts", parts[0] + "." + parts[1]},
		{"four parts", good + ".x"},
		{"no signature", parts[0] + "." + parts[1] + "."},
		{"algorithm none", base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt","kid":"k1"}`)) + "." + parts[1] + "."},
		{"algorithm none with a good signature", header("EdDSA", "none")},
		{"algorithm HS256 keyed with the public key", confused("HS256")},
		{"algorithm HS384 keyed with the public key", confused("HS384")},
		{"algorithm HS512 keyed with the public key", confused("HS512")},
		{"algorithm None in other letters, unsigned", base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"NoNe","typ":"at+jwt","kid":"k1"}`)) + "." + parts[1] + "."},
		{"algorithm ES256 with a signature of nothing", header("EdDSA", "ES256")},
		{"algorithm RS256 with a good signature", header("EdDSA", "RS256")},
		{"an algorithm that is no text", forge(a, strings.Replace(head, `"EdDSA"`, `["EdDSA"]`, 1), body())},
		{"a payload with a signature of zeros", parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, ed25519.SignatureSize))},
		{"algorithm EdDSA in other letters", header("EdDSA", "eddsa")},
		{"algorithm Ed25519", header("EdDSA", "Ed25519")},
		{"type JWT", header("at+jwt", "JWT")},
		{"the type of an identity token", header("at+jwt", "id+jwt")},
		{"the type with its prefix", header("at+jwt", "application/at+jwt")},
		{"type in other letters", header("at+jwt", "AT+JWT")},
		{"no type", header(`"typ":"at+jwt",`, "")},
		{"an embedded key", header(`"kid"`, `"jwk":{"kty":"OKP"},"kid"`)},
		{"the key that signed it, embedded", forge(b, strings.Replace(head, `"kid"`, `"jwk":{"kty":"OKP","crv":"Ed25519","x":"`+base64.RawURLEncoding.EncodeToString(public(b))+`"},"kid"`, 1), body())},
		{"a chain of certificates", header(`"kid"`, `"x5c":["MIIB"],"kid"`)},
		{"a key by address", header(`"kid"`, `"jku":"https://example.org/jwks.json","kid"`)},
		{"a certificate by address", header(`"kid"`, `"x5u":"https://example.org/c.pem","kid"`)},
		{"a critical extension", header(`"kid"`, `"crit":["exp"],"kid"`)},
		{"no key id", header(`,"kid":"k1"`, "")},
		{"an unknown key id", header("k1", "k9")},
		{"a key id that is a path", forge(b, strings.Replace(head, "k1", "../../k2", 1), body())},
		{"a key id that is a path to nothing", header("k1", "../../../../dev/null")},
		{"a key id with a quote", header("k1", `k1' OR '1'='1`)},
		{"a key id with an end of text", header("k1", `k1\u0000`)},
		{"a key id that is an address", header("k1", "https://example.org/k1")},
		{"an empty key id", header("k1", "")},
		{"a key id that is no text", forge(a, strings.Replace(head, `"k1"`, `{"$ne":null}`, 1), body())},
		{"encrypted, in five parts", parts[0] + "..." + parts[1] + "." + parts[2]},
		{"a long key id", header("k1", strings.Repeat("k", 129))},
		{"signed by another of our keys", forge(b, head, body())},
		{"a header twice", header(`"alg"`, `"alg":"none","alg"`)},
		{"a header name in other letters", header(`"alg"`, `"ALG"`)},
		{"white space in the header", header(`{`, `{ `)},
		{"more behind the header", header(`}`, `}]`)},
		{"a changed payload", parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(body("admin", "owner"))) + "." + parts[2]},
		{"a changed signature", parts[0] + "." + parts[1] + "." + "AAAA" + parts[2][4:]},
		{"padding", good + "=="},
		{"a signature in other letters of the same bytes", parts[0] + "." + parts[1] + "." + nonCanonical(parts[2])},
		{"another issuer", forge(a, head, body(issuer, "https://api.example.com"))},
		{"another audience", forge(a, head, body(keys.Audience, "other"))},
		{"audiences as a list", forge(a, head, body(`"`+keys.Audience+`"`, `["`+keys.Audience+`"]`))},
		{"a claim twice", forge(a, head, body(`"role"`, `"role":"owner","role"`))},
		{"an unknown claim", forge(a, head, body(`"role"`, `"root":true,"role"`))},
		{"a life of more than 15 minutes", forge(a, head, body(fmt.Sprint(start.Add(15*time.Minute).Unix()), fmt.Sprint(start.Add(15*time.Minute).Unix()+1)))},
		{"an end beyond all numbers", forge(a, head, body(fmt.Sprintf(`"iat":%d`, start.Unix()), `"iat":-10`, fmt.Sprint(start.Add(15*time.Minute).Unix()), "9223372036854775807"))},
		{"made in the future", forge(a, head, body(fmt.Sprintf(`"iat":%d`, start.Unix()), fmt.Sprintf(`"iat":%d`, start.Unix()+60)))},
		{"not yet valid", forge(a, head, body(fmt.Sprintf(`"nbf":%d`, start.Unix()), fmt.Sprintf(`"nbf":%d`, start.Unix()+60)))},
		{"a proof in the future", forge(a, head, body(`"iat"`, fmt.Sprintf(`"auth_time":%d,"iat"`, start.Unix()+60)))},
		{"a proof before all times", forge(a, head, body(`"iat"`, `"auth_time":-1,"iat"`))},
		{"a proof that is no number", forge(a, head, body(`"iat"`, `"auth_time":"now","iat"`))},
		{"no audience", forge(a, head, body(`"aud":"`+keys.Audience+`",`, ""))},
		{"no issuer", forge(a, head, body(`"iss":"`+issuer+`",`, ""))},
		{"a subject that is no user", forge(a, head, body(user, org))},
		{"a session that is none", forge(a, head, body(sess, user))},
		{"an organisation without a member", forge(a, head, body(`"mbr":"`+member+`",`, ""))},
		{"a member without an organisation", forge(a, head, body(`"org":"`+org+`",`, ""))},
		{"longer than 4 KB", forge(a, head, body("admin", strings.Repeat("a", 4096)))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if c, err := verifier(start).Verify(context.Background(), tt.token); !errors.Is(err, keys.ErrInvalid) {
				t.Errorf("Verify = %+v, %v; want ErrInvalid", c, err)
			}
		})
	}
}

// TestVerifyRefusesEveryFlippedBit changes a good token in each of its bits.
func TestVerifyRefusesEveryFlippedBit(t *testing.T) {
	good := mint(t, newKey('a'), claims(), start)
	v := verifier(start)
	for i := range len(good) * 8 {
		token := []byte(good)
		token[i/8] ^= 1 << (i % 8)
		if c, err := v.Verify(context.Background(), string(token)); !errors.Is(err, keys.ErrInvalid) {
			t.Errorf("with bit %d flipped, Verify = %+v, %v; want ErrInvalid", i, c, err)
		}
	}
	for n := range len(good) {
		if c, err := v.Verify(context.Background(), good[:n]); !errors.Is(err, keys.ErrInvalid) {
			t.Errorf("cut after %d characters, Verify = %+v, %v; want ErrInvalid", n, c, err)
		}
	}
}

// nonCanonical changes the bits of the last letter that stand for no byte.
func nonCanonical(text string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(letters, text[len(text)-1])
	return text[:len(text)-1] + string(letters[i^1])
}

func TestVerifyReportsTheKeySet(t *testing.T) {
	broken := errors.New("no table")
	v := verifier(start)
	v.Keys = keys.NewCachedSet(func(context.Context) (map[string]ed25519.PublicKey, error) { return nil, broken }, v.Now)
	if _, err := v.Verify(context.Background(), mint(t, newKey('a'), claims(), start)); !errors.Is(err, broken) {
		t.Errorf("Verify without keys = %v; want the key set's error", err)
	}
}

func TestCachedSet(t *testing.T) {
	ctx := context.Background()
	now := start
	reads := 0
	var broken error
	current := map[string]ed25519.PublicKey{"k1": public(newKey('a'))}
	set := keys.NewCachedSet(func(context.Context) (map[string]ed25519.PublicKey, error) {
		reads++
		return current, broken
	}, func() time.Time { return now })
	check := func(what, kid string, found bool, wantReads int) {
		t.Helper()
		key, err := set.Key(ctx, kid)
		if err != nil || (key != nil) != found || reads != wantReads {
			t.Errorf("%s: key %v, error %v, %d reads; want found %v after %d reads", what, key, err, reads, found, wantReads)
		}
	}
	check("first use", "k1", true, 1)
	check("again", "k1", true, 1)
	check("an unknown key is believed unknown", "k2", false, 1)
	current = map[string]ed25519.PublicKey{"k1": current["k1"], "k2": public(newKey('b'))}
	now = now.Add(59 * time.Second)
	check("for a minute", "k2", false, 1)
	now = now.Add(time.Second)
	check("then looked for again", "k2", true, 2)
	now = now.Add(4 * time.Minute)
	check("a known key within five minutes", "k1", true, 2)
	current = map[string]ed25519.PublicKey{"k2": current["k2"]}
	now = now.Add(time.Minute)
	check("a key that was taken out counts no more after five minutes", "k1", false, 3)
	now = now.Add(5 * time.Minute)
	broken = errors.New("no table")
	check("a known key counts on while the ring cannot be read", "k2", true, 4)
	now = now.Add(time.Minute)
	if _, err := set.Key(ctx, "k3"); !errors.Is(err, broken) {
		t.Errorf("an unknown key while the ring cannot be read: %v; want the error", err)
	}
}

func FuzzVerify(f *testing.F) {
	k := newKey('a')
	good := forge(k, head, body())
	f.Add(good)
	f.Add(strings.Replace(good, ".", "..", 1))
	f.Add(forge(k, `{"alg":"none"}`, `{}`))
	f.Add("..")
	f.Add(forge(k, head, `null`))
	minted := mint(f, k, claims(), start)
	f.Add(minted)
	f.Add(good + "." + good)
	f.Add(strings.ToUpper(good))
	f.Fuzz(func(t *testing.T, token string) {
		c, err := verifier(start).Verify(context.Background(), token)
		if err == nil && token != good && token != minted {
			t.Errorf("Verify(%q) = %+v; only the tokens that were signed may pass", token, c)
		}
		if err != nil && !errors.Is(err, keys.ErrInvalid) && !errors.Is(err, keys.ErrExpired) {
			t.Errorf("Verify(%q) = %v; want ErrInvalid or ErrExpired", token, err)
		}
	})
}

// FuzzClaims signs whatever comes, so that what lies behind the signature is tried, too.
func FuzzClaims(f *testing.F) {
	k := newKey('a')
	f.Add(head, body())
	f.Add(head, body("admin", "\\u0061dmin"))
	f.Add(head, `[]`)
	f.Add(head, body(`"iat"`, `"auth_time":1772442000,"iat"`))
	f.Add(strings.Replace(head, "EdDSA", "none", 1), body())
	f.Fuzz(func(t *testing.T, header, payload string) {
		c, err := verifier(start).Verify(context.Background(), forge(k, header, payload))
		if err != nil {
			return
		}
		if c.User == "" || c.Session == "" || c.ExpiresAt.Sub(c.IssuedAt) > keys.TokenLife || (c.Organization == "") != (c.Member == "") {
			t.Errorf("Verify of %s = %+v", payload, c)
		}
	})
}
