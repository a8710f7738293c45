package auth_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/auth"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keyring"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/privacy/policy"
	"pixeltrack.io/platform/pkg/secondfactor"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

const phrase = "a phrase nobody else uses"

// world is a table with the area's secrets and keys.
type world struct {
	*apitest.World
	pseudonyms keys.Pseudonyms
	links      keys.Links
	refresh    keys.Links
	private    ed25519.PrivateKey
	minter     *auth.Minter
	seeds      *vault
}

func newWorld(t *testing.T) *world {
	w := &world{World: apitest.New(t), pseudonyms: keys.Pseudonyms{Secret: "pseudonyms"}, links: keys.Links{Secret: "links"}, refresh: keys.Links{Secret: "refresh"}}
	_, private, err := ed25519.GenerateKey(nil)
	w.must(err)
	w.private = private
	w.seeds = &vault{keys: map[string][]byte{}}
	w.minter = &auth.Minter{Issuer: "https://test.example.com", Store: w.Store, Signers: map[string]keys.SignFunc{"first": w.sign}}
	w.must(w.run(w.rotate("first")))
	w.Believe(&keys.Verifier{Keys: keys.NewCachedSet(keyring.Reader(w.Store), w.Clock.Now), Issuer: w.minter.Issuer, Audience: keys.Audience, Now: w.Clock.Now})
	return w
}

func (w *world) sign(_ context.Context, message []byte) ([]byte, error) {
	return ed25519.Sign(w.private, message), nil
}

// rotate is the job that registers keys, in a deployment that names some. All have the same private half but the name.
func (w *world) rotate(named ...string) job.Job {
	return auth.RotateKeys(named, func(_ context.Context, name string) (ed25519.PublicKey, error) {
		if name == "first" {
			return w.private.Public().(ed25519.PublicKey), nil
		}
		seed := make([]byte, ed25519.SeedSize)
		copy(seed, name)
		return ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey), nil
	})
}

func (w *world) run(j job.Job) error {
	w.T.Helper()
	payload := fmt.Sprintf(`{"version":"0","id":"x","detail-type":"Scheduled Event","source":"aws.scheduler","time":%q,"detail":"{}"}`, w.Clock.Now().Format("2006-01-02T15:04:05Z07:00"))
	return j.Do(context.Background(), []byte(payload), w.Store, telemetry.New(w.Log, w.Clock.Now), w.Clock.Now, "run")
}

func (w *world) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

func signUpBody(email string) map[string]any {
	v := policy.Versions()[0]
	return map[string]any{"date_of_birth": "1990-04-01", "name": "Ada Example", "email": email, "password": phrase, "country": "DE",
		"policy_version": v.Number, "policy_hash": v.SHA256(), "organization_name": "Example Studio"}
}

func (w *world) signUp(body map[string]any) apitest.Answer {
	w.T.Helper()
	return w.Call(auth.SignUp(w.Store, w.pseudonyms, w.links, nil), apitest.Caller{}, apitest.Request{Body: body})
}

func (w *world) confirm(token, password string) apitest.Answer {
	w.T.Helper()
	return w.Call(auth.ConfirmSignUp(w.Store), apitest.Caller{}, apitest.Request{Body: map[string]any{"token": token, "password": password}})
}

func (w *world) logInFrom(source, email, password string) apitest.Answer {
	w.T.Helper()
	return w.Call(auth.LogIn(w.Store, w.pseudonyms, w.refresh, w.minter), apitest.Caller{}, apitest.Request{Body: map[string]any{"email": email, "password": password}, Source: source})
}

func (w *world) logIn(email, password string) apitest.Answer {
	w.T.Helper()
	return w.logInFrom("192.0.2.77", email, password)
}

func (w *world) refreshToken(token string) apitest.Answer {
	w.T.Helper()
	return w.Call(auth.RefreshToken(w.Store, w.refresh, w.minter), apitest.Caller{}, apitest.Request{Body: map[string]any{"refresh_token": token}})
}

// person is somebody with an account.
type person struct {
	email  string
	user   id.User
	org    id.Organization
	tokens auth.Tokens
}

// somebody signs up, confirms and logs in.
func (w *world) somebody(email string) person {
	w.T.Helper()
	w.Want(w.signUp(signUpBody(email)), http.StatusAccepted, "")
	_, token := w.letter(email)
	a := w.confirm(token, phrase)
	w.Want(a, http.StatusCreated, "")
	var made auth.Confirmed
	a.Into(w.T, &made)
	p := person{email: email, user: id.User(made.User.ID), org: id.Organization(made.Organization.ID)}
	p.tokens = w.tokens(w.logIn(email, phrase))
	return p
}

func (w *world) tokens(a apitest.Answer) auth.Tokens {
	w.T.Helper()
	w.Want(a, http.StatusOK, "")
	var t auth.Tokens
	a.Into(w.T, &t)
	return t
}

// rows gives every row of the table as plain values.
func (w *world) rows() []map[string]any {
	w.T.Helper()
	var all []map[string]any
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(w.AWS), &dynamodb.ScanInput{TableName: aws.String(w.Table)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		w.must(err)
		for _, item := range page.Items {
			var row map[string]any
			w.must(attributevalue.UnmarshalMap(item, &row))
			all = append(all, row)
		}
	}
	return all
}

func (w *world) dump() string {
	text, err := json.Marshal(w.rows())
	w.must(err)
	return string(text)
}

// of lists the rows of a type.
func (w *world) of(rowType string) []map[string]any {
	var all []map[string]any
	for _, r := range w.rows() {
		if r["_type"] == rowType {
			all = append(all, r)
		}
	}
	return all
}

// letters writes every mail that waits, as the sender does, newest last.
func (w *world) letters() []mail.Message {
	w.T.Helper()
	c := &compose.Composer{Store: w.Store, Actor: store.Actor{Who: "job:send-outbox"}, Links: w.links, PublicURL: "https://app.example.com",
		From: "PixelTrack <no-reply@mail.example.com>", People: account.People}
	templates := map[string]compose.Template{}
	for _, t := range slices.Concat(auth.Templates(), account.Templates(), secondfactor.Templates()) {
		templates[t.Kind] = t
	}
	var all []mail.Message
	for _, r := range w.of("MAIL_OUT") {
		h, ok := outbox.Bind(w.Store, c.Actor, store.Key{PK: r["PK"].(string), SK: r["SK"].(string)})
		if !ok {
			w.T.Fatalf("a mail lies at %v", r["PK"])
		}
		m, err := store.Get[outbox.Mail](context.Background(), h, store.Key{PK: r["PK"].(string), SK: r["SK"].(string)})
		if errors.Is(err, store.ErrMissing) {
			continue // past its time
		}
		w.must(err)
		message, err := templates[m.Template].Compose(context.Background(), c, m)
		if err == compose.ErrGone {
			continue
		}
		w.must(err)
		all = append(all, message)
	}
	return all
}

// letter is a mail to an address with a link, and the token of the link.
func (w *world) letter(email string) (mail.Message, string) {
	w.T.Helper()
	for _, m := range w.letters() {
		_, link, found := strings.Cut(m.Text, "#")
		if m.To != email || !found {
			continue
		}
		fragment, err := url.ParseQuery(strings.Fields(link)[0])
		w.must(err)
		return m, fragment.Get("token")
	}
	w.T.Fatalf("no mail with a link to %s", email)
	return mail.Message{}, ""
}
