package s3_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"pixeltrack.io/platform/infra/local/child"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/size"
)

// theirs holds a conversation with versitygw, which keeps its objects below a directory of the test.
func theirs(t *testing.T, c conversation) *tape {
	t.Helper()
	url := startGateway(t)
	k := newTalk(t, url)
	setUp(t, client.New(client.Options{Region: "us-east-1", BaseEndpoint: &url, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(identity.Root, identity.RootSecret, "")}))
	c.hold(k)
	return k.tape
}

func startGateway(t *testing.T) string {
	t.Helper()
	binary, err := filepath.Abs("../../../.local/bin/versitygw")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	dir := t.TempDir()
	for _, d := range []string{"data", "versions"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(binary, "--access", identity.Root, "--secret", identity.RootSecret, "--port", address, "--quiet",
		"posix", "--versioning-dir", filepath.Join(dir, "versions"), filepath.Join(dir, "data"))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	gone, err := child.Start(cmd)
	if err != nil {
		t.Fatalf("%v; `make prove` installs it", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may be gone already
		<-gone
		if t.Failed() {
			t.Log(out.String())
		}
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close() // said nothing
			return "http://" + address
		}
		if time.Now().After(deadline) {
			t.Fatalf("versitygw does not answer: %s", out.String())
		}
	}
}

func setUp(t *testing.T, c *client.Client) {
	t.Helper()
	ctx := context.Background()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"files", "versions", "heads", "open"} {
		must(c.CreateBucket(ctx, &client.CreateBucketInput{Bucket: &name, ObjectLockEnabledForBucket: aws.Bool(name == "heads")}))
	}
	must(c.PutBucketVersioning(ctx, &client.PutBucketVersioningInput{Bucket: aws.String("versions"), VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}}))
	must(c.PutObjectLockConfiguration(ctx, &client.PutObjectLockConfigurationInput{Bucket: aws.String("heads"), ObjectLockConfiguration: &types.ObjectLockConfiguration{
		ObjectLockEnabled: types.ObjectLockEnabledEnabled, Rule: &types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{Mode: types.ObjectLockRetentionModeCompliance, Days: aws.Int32(30)}}}}))
	must(c.PutBucketCors(ctx, &client.PutBucketCorsInput{Bucket: aws.String("open"), CORSConfiguration: &types.CORSConfiguration{CORSRules: []types.CORSRule{
		{AllowedOrigins: []string{appOrigin}, AllowedMethods: []string{"PUT", "GET"}, AllowedHeaders: []string{"*"}, ExposeHeaders: []string{"ETag"}}}}}))
}

// TestASecondServerAgrees holds every conversation with our server and with versitygw, and compares each answer.
// What differs must be known, and what is known must differ.
func TestASecondServerAgrees(t *testing.T) {
	if !size.Full() {
		t.Skip("runs in `make prove`, which builds versitygw: a minute and 80 MB")
	}
	held, seen := 0, make([]bool, len(differences))
	for _, c := range conversations {
		t.Run(c.name, func(t *testing.T) {
			held++
			a, b := ours(t, c).all, theirs(t, c).all
			for i := range min(len(a), len(b)) {
				if a[i].request != b[i].request {
					t.Fatalf("%d: the conversations went apart:\n ours %s\ntheirs %s", i+1, a[i].request, b[i].request)
				}
				compare(t, c.name, i+1, a[i], b[i], seen)
			}
			if len(a) != len(b) {
				t.Errorf("ours has %d exchanges, theirs %d", len(a), len(b))
			}
		})
	}
	if t.Failed() || held < len(conversations) {
		return
	}
	for i, d := range differences {
		if !seen[i] {
			t.Errorf("%s: %s: %q and %q: is no difference any more: take it out of the list", d.where, d.field, d.ours, d.theirs)
		}
	}
}

func compare(t *testing.T, name string, n int, a, b exchange, seen []bool) {
	t.Helper()
	all := maps.Clone(a.answer)
	maps.Copy(all, b.answer)
	if a.answer["status"] != b.answer["status"] {
		all = map[string]string{"status": ""}
	}
	for _, field := range slices.Sorted(maps.Keys(all)) {
		if a.answer[field] == b.answer[field] {
			continue
		}
		where := fmt.Sprintf("%s/%d", name, n)
		i := slices.IndexFunc(differences, func(d difference) bool {
			return (d.where == "" || d.where == name || d.where == where) && d.field == field && d.covers(a.answer[field], b.answer[field])
		})
		if i < 0 {
			t.Errorf("%s: %s: %s:\n ours %q\ntheirs %q", where, a.request, field, a.answer[field], b.answer[field])
			continue
		}
		seen[i] = true
	}
}
