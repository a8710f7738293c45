package privacy_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/s3"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/infra/size"
	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/files"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/datamap"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/store/storetest"
	"pixeltrack.io/platform/pkg/telemetry"
	"pixeltrack.io/platform/pkg/timetracking"
)

// The places of a builder that is a process of its own, in its environment.
const (
	proofTable  = "PROOF_TABLE"
	proofRows   = "PROOF_ROWS"
	proofBucket = "PROOF_BUCKET"
	proofKey    = "PROOF_KEY"
)

// most is how much memory a builder may take: three quarters of what the smallest function has.
const most = 96 << 20

func reach(endpoint, user, secret string) aws.Config {
	return aws.Config{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider(user, secret, "")}
}

// TestABuilderIsSmall packs organizations with few and many rows and with large files, each by a builder that is a process of
// its own, and reads how much memory the process had at its most.
func TestABuilderIsSmall(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("the system does not tell how much memory a process has had")
	}
	if !size.Full() {
		pack(t, 2_000, 1, 24<<20)
		return
	}
	t.Run("few rows", func(t *testing.T) { pack(t, 1_000, 0, 0) })
	t.Run("many rows and a large file", func(t *testing.T) { pack(t, 100_000, 1, 256<<20) })
	t.Run("eight large files", func(t *testing.T) { pack(t, 1_000, 8, 256<<20) })
}

// pack has an organization of so many rows and files of a size packed, and judges the package and its builder.
func pack(t *testing.T, rows, attached int, large int64) {
	t.Helper()
	ctx := t.Context()
	cfg, name := storetest.Table(t)
	table := plain(t, dynamodb.NewFromConfig(cfg), name+"-plain")
	st := store.New(cfg, table, time.Now)
	founded := id.NewSource(func() time.Time { return time.Now().AddDate(-8, 0, 0) }) // its rows lie in the months since
	org := st.BindOrganization(id.New[id.Organization](founded), store.Actor{Who: "test"})
	server, err := s3.New(s3.Options{Dir: t.TempDir(), Identities: identity.New(), Clock: &simclock.Clock{}, Buckets: []s3.Bucket{{Name: "b"}}})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	defer func() {
		web.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	objects := bucket.New(reach(web.URL, identity.Root, identity.RootSecret), "b", time.Now)

	if err := objects.Write(ctx, "large", "application/octet-stream", func(w io.Writer) error {
		_, err := io.Copy(w, io.LimitReader(rand.Reader, large))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	tx := st.Begin()
	tx.Create(org, &access.OrganizationGate{Organization: org.ID, Status: access.Active, Plan: "free"})
	e := privacy.AskForPackage(tx, org, "", "")
	for range attached {
		tx.Create(org, &files.File{Org: org.ID, ID: id.New[id.File](st.IDs()), Name: "large.bin", Object: "large"})
	}
	entry := &timetracking.Entry{Org: org.ID, ID: id.New[id.Entry](st.IDs()), Member: id.New[id.Member](st.IDs()), Project: id.New[id.Project](st.IDs()),
		Date: time.Now().UTC().Format(time.DateOnly), Note: strings.Repeat("what was done ", 10)}
	tx.Create(org, entry)
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := multiply(ctx, dynamodb.NewFromConfig(cfg), table, org.Scope().Partition(timetracking.FamilyEntry, entry.Date[:len("2026-03")]), rows); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rows written in %v", rows, time.Since(began).Round(time.Millisecond))

	key := privacy.PackageKey(org.Scope(), e)
	builder := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestABuilder$", "-test.v")
	builder.Env = append(os.Environ(), proofTable+"="+table, proofRows+"="+*cfg.BaseEndpoint, proofBucket+"="+web.URL, proofKey+"="+key.PK+" "+key.SK)
	began = time.Now()
	out, err := builder.CombinedOutput()
	if err != nil {
		t.Fatalf("the builder: %v\n%s", err, out)
	}
	took := time.Since(began).Round(time.Millisecond)
	var peak int64
	if _, text, ok := strings.Cut(string(out), "VmHWM:"); !ok {
		t.Fatalf("the builder says %s", out)
	} else if _, err := fmt.Sscan(text, &peak); err != nil {
		t.Fatal(err)
	}
	peak <<= 10
	p, err := store.Get[privacy.Package](ctx, org, key)
	if err != nil {
		t.Fatal(err)
	}
	if p.State != privacy.PackageReady || p.Records < rows || p.Size < int64(attached)*large {
		t.Errorf("the package = %s, %d records, %d bytes; want %d and %d files of %d", p.State, p.Records, p.Size, rows, attached, large)
	}
	t.Logf("%d records and %d files of %d MB packed in %v with %d MB of memory", p.Records, attached, large>>20, took, peak>>20)
	if peak > most {
		t.Errorf("the builder had %d MB; want %d at most", peak>>20, most>>20)
	}
}

// plain makes a table without stream, and with one index that stays empty, which the stand-in fills faster. An organization's
// export reads no more of indexes than which version of the policy is in effect.
func plain(t *testing.T, db *dynamodb.Client, table string) string {
	t.Helper()
	if _, err := db.CreateTable(t.Context(), &dynamodb.CreateTableInput{TableName: &table, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{text("PK"), text("SK"), text("GSI1PK"), text("GSI1SK")}, KeySchema: ordered("PK", "SK"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{IndexName: aws.String("GSI1"), KeySchema: ordered("GSI1PK", "GSI1SK"),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}}}}); err != nil {
		t.Fatal(err)
	}
	return table
}

func text(name string) types.AttributeDefinition {
	return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS}
}

func ordered(hash, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{{AttributeName: aws.String(hash), KeyType: types.KeyTypeHash}, {AttributeName: aws.String(sort), KeyType: types.KeyTypeRange}}
}

// multiply makes many rows of the one that the partition of a month holds, in the months of eight years, in parallel.
func multiply(ctx context.Context, db *dynamodb.Client, table, partition string, n int) error {
	found, err := db.Query(ctx, &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: aws.String("PK = :p"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: partition}}})
	if err != nil {
		return err
	}
	if len(found.Items) != 1 {
		return fmt.Errorf("%d rows to multiply; want one", len(found.Items))
	}
	sample, was := found.Items[0], found.Items[0]["id"].(*types.AttributeValueMemberS).Value
	month, err := time.Parse("2006-01", partition[len(partition)-len("2026-03"):])
	if err != nil {
		return err
	}
	const batch, months = 25, 96
	all, within := errgroup.WithContext(ctx)
	all.SetLimit(8)
	for from := 0; from < n; from += batch {
		all.Go(func() error {
			var puts []types.WriteRequest
			for i := from; i < min(n, from+batch); i++ {
				item, is := map[string]types.AttributeValue{}, fmt.Sprintf("%s%07d", was[:len(was)-7], i)
				in := strings.TrimSuffix(partition, month.Format("2006-01")) + month.AddDate(0, -(i/batch)%months, 0).Format("2006-01")
				for k, v := range sample {
					if strings.HasPrefix(k, "GSI") {
						continue // an organization's export reads no index
					}
					if s, ok := v.(*types.AttributeValueMemberS); ok {
						v = &types.AttributeValueMemberS{Value: strings.ReplaceAll(s.Value, was, is)}
					}
					item[k] = v
				}
				item["PK"] = &types.AttributeValueMemberS{Value: in}
				puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
			}
			for len(puts) > 0 {
				out, err := db.BatchWriteItem(within, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: puts}})
				if err != nil {
					return err
				}
				puts = out.UnprocessedItems[table]
			}
			return nil
		})
	}
	return all.Wait()
}

// TestABuilder is the builder of TestABuilderIsSmall, in its process.
func TestABuilder(t *testing.T) {
	table := os.Getenv(proofTable)
	if table == "" {
		t.Skip("started by TestABuilderIsSmall")
	}
	pk, sk, _ := strings.Cut(os.Getenv(proofKey), " ")
	st := store.New(reach(os.Getenv(proofRows), "LOCAL", "local"), table, time.Now)
	objects := bucket.New(reach(os.Getenv(proofBucket), identity.Root, identity.RootSecret), "b", time.Now)
	build := privacy.BuildExport(objects, privacy.Stored{registry.FilesBucket: objects, registry.DocumentsBucket: objects}, keys.Links{Secret: "links"}, keys.Pseudonyms{Secret: "pseudonyms"}, nil, datamap.Current())
	event := fmt.Sprintf(`{"source":%q,"detail-type":%q,"detail":{"pk":%q,"sk":%q}}`, job.Source, privacy.EventExportRequested, pk, sk)
	if err := build.Do(t.Context(), []byte(event), st, telemetry.New(new(bytes.Buffer), time.Now), time.Now, "run"); err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(errors.Join(err, errors.New("no status")))
	}
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	line, _, _ = strings.Cut(line, "\n")
	fmt.Println("VmHWM:", line)
}
