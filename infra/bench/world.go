package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"pixeltrack.io/platform/infra/local/dynoxide"
	"pixeltrack.io/platform/infra/local/template"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keyring"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/store"
)

const (
	table  = "bench"
	issuer = "https://bench.example.com"
)

// world is a table with one member and one client, a place for secrets, and the event that reads the client.
type world struct {
	db          *dynoxide.Server
	secrets     *http.Server
	ssm         string
	event       []byte
	keys        []string // environment of the bare handler
	environment []string
}

func newWorld(ctx context.Context) (*world, error) {
	db, err := dynoxide.Start(ctx, ".")
	if err != nil {
		return nil, err
	}
	w := &world{db: db}
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(db.Endpoint), Credentials: credentials.NewStaticCredentialsProvider("BENCH", "bench", "")}
	if err := dynoxide.CreateTable(ctx, dynamodb.NewFromConfig(cfg), table); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w.ssm = "http://" + l.Addr().String()
	w.secrets = &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/x-amz-json-1.1")
		fmt.Fprint(rw, `{"Parameter":{"Value":"bench-secret"}}`)
	})}
	go w.secrets.Serve(l)
	if err := w.fill(ctx, store.New(cfg, table, func() time.Time { return time.Now().UTC() })); err != nil {
		return nil, err
	}
	w.environment, err = w.surroundings()
	return w, err
}

// fill writes a member, the key ring and one client, and makes the event of a gateway that reads the client.
func (w *world) fill(ctx context.Context, st *store.Store) error {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	ids := st.IDs()
	user, org, member, session := id.New[id.User](ids), id.New[id.Organization](ids), id.New[id.Member](ids), id.New[id.Session](ids)
	actor := store.Actor{Who: "bench"}
	h := st.BindOrganization(org, actor)
	now := time.Now().UnixMilli()
	client := &clients.Client{Org: org, ID: id.New[id.Client](ids), Number: 1, Name: "Example Bakery", Currency: "EUR", Language: "en", TermsDays: 14,
		Notes: "Pays on time", Tags: []string{"retail"}, Status: clients.Active, Created: now, Updated: now}
	tx := st.Begin()
	tx.Create(st.BindPlatform(actor), &keyring.Ring{Table: st.Name(), PublicKeys: []keyring.Key{{ID: "bench", Public: public}}})
	tx.Create(st.BindUser(user, actor), &access.UserGate{User: user, Sessions: map[string]int64{string(session): time.Now().Add(time.Hour).Unix()}})
	tx.Create(h, &access.Access{Organization: org, Member: member, User: user, Role: access.Owner, GrantVersion: 1})
	tx.Create(h, &access.OrganizationGate{Organization: org, Status: access.Active, Plan: "free"})
	tx.Create(h, client)
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	m := keys.Minter{Issuer: issuer, KeyID: "bench", Sign: func(_ context.Context, b []byte) ([]byte, error) { return ed25519.Sign(private, b), nil }}
	token, err := m.Mint(ctx, keys.Claims{User: user, Organization: org, Member: member, Session: session, Role: "owner", GrantVersion: 1, ID: "bench"}, time.Now())
	if err != nil {
		return err
	}
	path := "/v1/clients/" + string(client.ID)
	w.event, err = json.Marshal(map[string]any{
		"version": "2.0", "routeKey": "GET /v1/clients/{id}", "rawPath": path, "rawQueryString": "",
		"headers":        map[string]string{"authorization": "Bearer " + token, "host": "bench.example.com", "cloudfront-viewer-address": "192.0.2.1:1"},
		"requestContext": map[string]any{"requestId": "bench", "stage": "$default", "http": map[string]string{"method": "GET", "path": path}},
	})
	if err != nil {
		return err
	}
	var gates [][2]string
	for _, k := range []store.Key{access.UserGateKey(user), access.AccessKey(org, member), access.OrganizationGateKey(org)} {
		gates = append(gates, [2]string{k.PK, k.SK})
	}
	text, err := json.Marshal(gates)
	k := client.Keys().Primary
	w.keys = []string{"BENCH_GATES=" + string(text), "BENCH_PK=" + k.PK, "BENCH_SK=" + k.SK}
	return err
}

// surroundings gives every function each name that the templates give to any, so that a new one need not be told to the bench.
func (w *world) surroundings() ([]string, error) {
	cloud, err := template.Read(".", map[string]string{"Stage": "bench", "PublicUrl": issuer, "AllowedOrigins": issuer, "MailFrom": "bench@example.com"})
	if err != nil {
		return nil, err
	}
	given := map[string]string{}
	for _, f := range cloud.Functions {
		maps.Copy(given, f.Environment)
	}
	given["TABLE_NAME"], given["RESEND_BASE_URL"], given["STRIPE_API_BASE"] = table, w.ssm, w.ssm
	env := []string{"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=BENCH", "AWS_SECRET_ACCESS_KEY=bench", "AWS_LAMBDA_FUNCTION_NAME=bench",
		"AWS_ENDPOINT_URL_DYNAMODB=" + w.db.Endpoint}
	for _, s := range []string{"S3", "KMS", "SSM", "EVENTBRIDGE"} {
		env = append(env, "AWS_ENDPOINT_URL_"+s+"="+w.ssm)
	}
	for k, v := range given {
		env = append(env, k+"="+v)
	}
	return append(env, w.keys...), nil
}

func (w *world) close() {
	w.secrets.Close()
	w.db.Stop()
}
