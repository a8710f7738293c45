package s3_test

import (
	"bytes"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/s3"
	"pixeltrack.io/platform/infra/local/simclock"
)

var update = flag.Bool("update", false, "write what our server says in all conversations")

const golden = "testdata/conversations.golden"

// appOrigin may read and write the objects of the bucket open.
const appOrigin = "https://app.example.org"

// ours holds a conversation with our server.
func ours(t *testing.T, c conversation) *tape {
	t.Helper()
	server, err := s3.New(s3.Options{Dir: t.TempDir(), Identities: identity.New(), Clock: &simclock.Clock{}, Buckets: []s3.Bucket{
		{Name: "files"},
		{Name: "versions", Versioning: true},
		{Name: "heads", Versioning: true, Lock: &s3.Lock{Mode: "COMPLIANCE", Days: 30}},
		{Name: "open", CORS: []s3.CORSRule{{Origins: []string{appOrigin}, Methods: []string{"PUT", "GET"}, Headers: []string{"*"}, Expose: []string{"ETag"}}}},
	}})
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
	k := newTalk(t, web.URL)
	c.hold(k)
	return k.tape
}

// TestConversations holds our server to what it was agreed to say.
func TestConversations(t *testing.T) {
	var said bytes.Buffer
	for _, c := range conversations {
		fmt.Fprintf(&said, "# %s\n\n%s\n", c.name, ours(t, c))
	}
	if *update {
		if err := os.WriteFile(golden, said.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(said.String(), "\n")
	about := ""
	for i, line := range strings.Split(string(want), "\n") {
		if strings.HasPrefix(line, "#") {
			about = line
		}
		if i >= len(got) || got[i] != line {
			t.Fatalf("%s\nline %d of %s:\n got %s\nwant %s", about, i+1, golden, strings.Join(got[min(i, len(got)):min(i+1, len(got))], ""), line)
		}
	}
}
