package s3_test

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	client "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"pixeltrack.io/platform/infra/local/identity"
)

// conversation is what a caller wants of a server that has four empty buckets: files; versions, with versioning; heads,
// with versioning and a lock of 30 days on each object; and open, whose objects may be read and written by pages of
// https://app.example.org.
type conversation struct {
	name string
	hold func(*talk)
}

// mostPages ends the reading of a list that does not end.
const mostPages = 10

func md5Of(text string) string {
	sum := md5.Sum([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func sha256Of(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// put writes an object and gives its version.
func (k *talk) put(bucket, key, body string) *string {
	out, err := k.PutObject(context.Background(), &client.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)})
	return heard(k, out, err).VersionId
}

func (k *talk) get(bucket, key string) {
	out, err := k.GetObject(context.Background(), &client.GetObjectInput{Bucket: &bucket, Key: &key})
	heard(k, out, err)
}

func (k *talk) head(bucket, key string) {
	out, err := k.HeadObject(context.Background(), &client.HeadObjectInput{Bucket: &bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	heard(k, out, err)
}

// keys notes what a list holds, without the list itself.
func (k *talk) keys(what string, list func() ([]string, error)) {
	var seen []string
	var err error
	k.quietly(func() { seen, err = list() })
	if err != nil {
		seen = append(seen, code(err))
	}
	k.note(what, strings.Join(seen, " "))
}

// objects lists the keys of a bucket in pages.
func (k *talk) objects(bucket, prefix, delimiter string, size int32) ([]string, error) {
	var seen []string
	pages := client.NewListObjectsV2Paginator(k, &client.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix, Delimiter: &delimiter, MaxKeys: &size})
	for n := 0; n < mostPages && pages.HasMorePages(); n++ {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			return seen, err
		}
		for _, p := range page.CommonPrefixes {
			seen = append(seen, *p.Prefix)
		}
		for _, o := range page.Contents {
			seen = append(seen, shorten(*o.Key))
		}
	}
	return seen, nil
}

// versions lists the keys of all versions of a bucket in pages, those of markers with a minus.
func (k *talk) versions(bucket, after string, size int32) ([]string, error) {
	var seen []string
	pages := client.NewListObjectVersionsPaginator(k, &client.ListObjectVersionsInput{Bucket: &bucket, KeyMarker: &after, MaxKeys: &size})
	for n := 0; n < mostPages && pages.HasMorePages(); n++ {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			return seen, err
		}
		for _, v := range page.Versions {
			seen = append(seen, *v.Key)
		}
		for _, m := range page.DeleteMarkers {
			seen = append(seen, "-"+*m.Key)
		}
	}
	return seen, nil
}

// quietly does something that is no part of the transcript.
func (k *talk) quietly(do func()) {
	k.tape.off = true
	do()
	k.tape.off = false
}

// versionsOf lists the versions under a prefix.
func (k *talk) versionsOf(bucket, prefix string) *client.ListObjectVersionsOutput {
	out, err := k.ListObjectVersions(context.Background(), &client.ListObjectVersionsInput{Bucket: &bucket, Prefix: &prefix})
	return heard(k, out, err)
}

var conversations = []conversation{
	{"what was put comes back", func(k *talk) {
		out, err := k.PutObject(context.Background(), &client.PutObjectInput{Bucket: aws.String("files"), Key: aws.String("a"), Body: strings.NewReader("hello"),
			ContentType: aws.String("text/plain; charset=utf-8"), ContentDisposition: aws.String(`attachment; filename="a b.txt"; filename*=UTF-8''%C3%BC.txt`),
			CacheControl: aws.String("no-store"), ContentLanguage: aws.String("de"), ContentEncoding: aws.String("gzip"),
			Expires: aws.Time(time.Date(2040, 1, 2, 3, 4, 5, 0, time.UTC)), Metadata: map[string]string{"purpose": "export", "Mixed-Case": "a  b"}})
		heard(k, out, err)
		k.get("files", "a")
		k.head("files", "a")
		k.put("files", "a", "another")
		k.get("files", "a")
		k.head("files", "none")
		k.get("files", "none")
	}},
	{"an object may be empty", func(k *talk) {
		k.put("files", "empty", "")
		k.get("files", "empty")
		k.head("files", "empty")
		k.raw("GET", "/files/empty", "", "Range: bytes=0-0")
		k.raw("GET", "/files/empty", "", "Range: bytes=-1")
	}},
	{"an object may be big", func(k *talk) {
		k.put("files", "big", strings.Repeat("0123456789abcdef", 1<<19))
		k.get("files", "big")
		k.raw("GET", "/files/big", "", "Range: bytes=8388600-")
		k.raw("GET", "/files/big", "", "Range: bytes=1048570-1048589")
	}},
	{"a key may be any text", func(k *talk) {
		for _, key := range []string{"a b", "a+b", "a%2Fb", "a%b", "ü/ö", "日本/語", "a&b=c?d#e", `"quoted"'<>`, "dots...", "~_-.!*'()", "ORG/org_1/FILE/fil_2", strings.Repeat("k", 200)} {
			k.put("files", key, key)
			k.get("files", key)
		}
		out, err := k.ListObjectsV2(context.Background(), &client.ListObjectsV2Input{Bucket: aws.String("files")})
		heard(k, out, err)
		out, err = k.ListObjectsV2(context.Background(), &client.ListObjectsV2Input{Bucket: aws.String("files"), EncodingType: types.EncodingTypeUrl})
		heard(k, out, err)
	}},
	{"a key is no path of a file system", func(k *talk) {
		k.put("files", "a", "1")
		k.put("files", "a/b", "2")
		k.put("files", "d/e", "3")
		k.put("files", "d", "4")
		k.put("files", "folder/", "")
		k.put("files", "x//y", "5")
		k.get("files", "x//y")
		k.get("files", "x/y")
		k.put("files", strings.Repeat("k", 1024), "6")
		k.put("files", strings.Repeat("k", 1025), "7")
		k.keys("the keys", func() ([]string, error) { return k.objects("files", "", "", 1000) })
	}},
	{"ranges", func(k *talk) {
		k.put("files", "a", "0123456789")
		for _, r := range []string{"bytes=0-0", "bytes=2-4", "bytes=7-", "bytes=-3", "bytes=5-99", "bytes=-99", "bytes=-0", "bytes=4-2", "bytes=10-", "bytes=10-12",
			"bytes=a-b", "bytes=--1", "bytes=+1-2", "bytes=1-2,4-5", "bytes=", "bytes=-", "lines=1-2", "0-1"} {
			k.raw("GET", "/files/a", "", "Range: "+r)
		}
		k.raw("HEAD", "/files/a", "", "Range: bytes=2-4")
		k.raw("HEAD", "/files/a", "", "Range: bytes=10-")
	}},
	{"conditions of a read", func(k *talk) {
		k.put("files", "a", "hello")
		const tag, other = `"5d41402abc4b2a76b9719d911017c592"`, `"00000000000000000000000000000000"`
		made := k.raw("GET", "/files/a", "").Get("Last-Modified")
		past, future := "If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT", "If-Unmodified-Since: Wed, 01 Jan 2020 00:00:00 GMT"
		for _, method := range []string{"GET", "HEAD"} {
			k.raw(method, "/files/a", "", "If-Match: "+tag)
			k.raw(method, "/files/a", "", "If-Match: "+strings.Trim(tag, `"`))
			k.raw(method, "/files/a", "", "If-Match: "+other)
			k.raw(method, "/files/a", "", "If-None-Match: "+other)
			k.raw(method, "/files/a", "", "If-None-Match: "+tag)
			k.raw(method, "/files/a", "", "If-None-Match: *")
		}
		k.raw("GET", "/files/a", "", "If-Match: *")
		k.raw("GET", "/files/a", "", past)
		k.raw("GET", "/files/a", "", future)
		k.raw("GET", "/files/a", "", "If-Modified-Since: "+made)
		k.raw("GET", "/files/a", "", "If-Unmodified-Since: "+made)
		k.raw("GET", "/files/a", "", "If-Match: "+tag, future)
		k.raw("GET", "/files/a", "", "If-None-Match: "+tag, past)
		k.raw("GET", "/files/a", "", "If-None-Match: "+other, "If-Modified-Since: "+made)
		k.raw("GET", "/files/none", "", "If-Match: "+tag)
		k.raw("GET", "/files/a", "", "If-Match: "+other, "Range: bytes=99-")
	}},
	{"conditions of a write", func(k *talk) {
		k.raw("PUT", "/files/a", "one", "If-Match: \"f97c5d29941bfb1b2fdab0874906ab82\"")
		k.raw("PUT", "/files/a", "one", "If-None-Match: *")
		k.raw("PUT", "/files/a", "two", "If-None-Match: *")
		k.get("files", "a")
		k.raw("PUT", "/files/a", "two", "If-Match: \"00000000000000000000000000000000\"")
		k.raw("PUT", "/files/a", "two", "If-Match: \"f97c5d29941bfb1b2fdab0874906ab82\"")
		k.raw("PUT", "/files/a", "three", "If-Match: \"f97c5d29941bfb1b2fdab0874906ab82\"")
		k.get("files", "a")
		k.raw("DELETE", "/files/a", "")
		k.raw("PUT", "/files/a", "again", "If-None-Match: *")
		k.raw("PUT", "/versions/a", "one", "If-None-Match: *")
		k.raw("PUT", "/versions/a", "two", "If-None-Match: *")
	}},
	{"what was deleted may be created", func(k *talk) {
		k.raw("PUT", "/versions/a", "one", "If-None-Match: *")
		k.raw("DELETE", "/versions/a", "")
		k.raw("PUT", "/versions/a", "over a marker", "If-None-Match: *")
	}},
	{"conditions of a delete", func(k *talk) {
		k.put("files", "a", "one")
		k.raw("DELETE", "/files/a", "", "If-Match: \"00000000000000000000000000000000\"")
		k.get("files", "a")
		k.raw("DELETE", "/files/a", "", "If-Match: \"f97c5d29941bfb1b2fdab0874906ab82\"")
		k.raw("DELETE", "/files/a", "", "If-Match: \"f97c5d29941bfb1b2fdab0874906ab82\"")
		k.put("files", "b", "one")
		k.raw("DELETE", "/files/b", "", "If-Match: *")
	}},
	{"of eight who create at once one wins", func(k *talk) {
		for _, bucket := range []string{"files", "versions"} {
			seen := map[string]int{}
			k.quietly(func() {
				var mu sync.Mutex
				var wg sync.WaitGroup
				for i := range 8 {
					wg.Go(func() {
						_, err := k.PutObject(context.Background(), &client.PutObjectInput{Bucket: &bucket, Key: aws.String("once"), Body: strings.NewReader(fmt.Sprint(i)), IfNoneMatch: aws.String("*")})
						mu.Lock()
						defer mu.Unlock()
						switch c := code(err); c {
						case "PreconditionFailed", "ConditionalRequestConflict": // the losers may hear either
							seen["refused"]++
						default:
							seen[c]++
						}
					})
				}
				wg.Wait()
			})
			k.note("8 creates at once in "+bucket, fmt.Sprintf("%d won, %d refused, %d kinds", seen[""], seen["refused"], len(seen)))
		}
	}},
	{"digests", func(k *talk) {
		for _, h := range []string{"Content-Md5: " + md5Of("hello"), "Content-Md5: " + md5Of("jello"), "Content-Md5: short", "Content-Md5: " + base64.StdEncoding.EncodeToString([]byte("short")),
			"X-Amz-Checksum-Sha256: " + sha256Of("hello"), "X-Amz-Checksum-Sha256: " + sha256Of("jello"), "X-Amz-Checksum-Sha256: short",
			"X-Amz-Checksum-Crc32: NhCmhg==", "X-Amz-Checksum-Crc32: AAAAAA==", "X-Amz-Checksum-Crc32: AAAA",
			"X-Amz-Checksum-Crc32c: mnG7TA==", "X-Amz-Checksum-Crc32c: AAAAAA==",
			"X-Amz-Checksum-Crc64nvme: M3eFcAZSQlc=", "X-Amz-Checksum-Crc64nvme: AAAAAAAAAAA=",
			"X-Amz-Checksum-Sha1: qvTGHdzF6KLavt4PO0gs2a6pQ00=", "X-Amz-Checksum-Sha1: AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
			"X-Amz-Content-Sha256: " + hex.EncodeToString(make([]byte, 32)), "X-Amz-Content-Sha256: short", "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD",
			"X-Amz-Sdk-Checksum-Algorithm: SHA256", "X-Amz-Sdk-Checksum-Algorithm: MD4"} {
			k.raw("PUT", "/files/a", "hello", h)
		}
		k.raw("PUT", "/files/a", "hello", "X-Amz-Checksum-Crc32: NhCmhg==", "X-Amz-Checksum-Sha256: "+sha256Of("hello"))
		k.raw("PUT", "/files/a", "hello", "X-Amz-Checksum-Crc32: NhCmhg==", "X-Amz-Sdk-Checksum-Algorithm: SHA256")
		k.raw("PUT", "/files/none", "hello", "X-Amz-Checksum-Sha256: "+sha256Of("jello"))
		k.get("files", "none")
	}},
	{"checksums are kept", func(k *talk) {
		for _, a := range []types.ChecksumAlgorithm{"", types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmCrc64nvme, types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256} {
			out, err := k.PutObject(context.Background(), &client.PutObjectInput{Bucket: aws.String("files"), Key: aws.String("a"), Body: strings.NewReader("hello"), ChecksumAlgorithm: a})
			heard(k, out, err)
			k.head("files", "a")
			k.get("files", "a")
		}
		k.raw("HEAD", "/files/a", "")
		k.raw("GET", "/files/a", "", "X-Amz-Checksum-Mode: ENABLED", "Range: bytes=0-1")
		k.raw("PUT", "/files/plain", "hello")
		k.head("files", "plain")
		list, err := k.ListObjectsV2(context.Background(), &client.ListObjectsV2Input{Bucket: aws.String("files")})
		heard(k, list, err)
	}},
	{"signatures", func(k *talk) {
		k.put("files", "a", "hello")
		out, err := k.as("LOCALNOBODY", "x").GetObject(context.Background(), &client.GetObjectInput{Bucket: aws.String("files"), Key: aws.String("a")})
		heard(k, out, err)
		out, err = k.as(identity.Root, "another secret").GetObject(context.Background(), &client.GetObjectInput{Bucket: aws.String("files"), Key: aws.String("a")})
		heard(k, out, err)
		k.send(k.request("GET", "/files/a", ""))
		k.send(k.request("GET", "/files/a", "", "Authorization: Basic YTpi"))
		k.send(k.request("GET", "/files/a", "", "Authorization: AWS4-HMAC-SHA256 nonsense"))
		signed := func(at time.Time, headers ...string) *http.Request {
			r := k.request("GET", "/files/a", "", headers...)
			hash := hex.EncodeToString(sha256.New().Sum(nil))
			r.Header.Set("X-Amz-Content-Sha256", hash)
			if err := sign(r, hash, identity.RootSecret, at); err != nil {
				k.Fatal(err)
			}
			return r
		}
		k.send(signed(time.Now().Add(-14 * time.Minute)))
		k.send(signed(time.Now().Add(-time.Hour)))
		k.send(signed(time.Now().Add(time.Hour)))
		r := signed(time.Now())
		r.Header.Set("X-Amz-Meta-A", "not signed")
		k.send(r)
		r = signed(time.Now())
		r.URL.Path = "/files/b"
		k.send(r)
		r = signed(time.Now())
		r.URL.RawQuery = "versionId=null"
		k.send(r)
		r = signed(time.Now(), "X-Amz-Meta-A: signed")
		r.Header.Set("X-Amz-Meta-A", "changed")
		k.send(r)
		r = signed(time.Now())
		r.Header.Del("X-Amz-Date")
		k.send(r)
		r = signed(time.Now())
		r.Header.Del("X-Amz-Content-Sha256")
		k.send(r)
		r = signed(time.Now())
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/us-east-1/", "/eu-west-1/", 1))
		k.send(r)
		r = signed(time.Now())
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/s3/", "/sqs/", 1))
		k.send(r)
	}},
	{"links to read", func(k *talk) {
		k.put("files", "org 1/a+b", "hello")
		link := func(at time.Time, life time.Duration) string {
			sign := client.NewPresignClient(k.Client, func(o *client.PresignOptions) { o.Presigner = dated{func() time.Time { return at }} })
			out, err := sign.PresignGetObject(context.Background(), &client.GetObjectInput{Bucket: aws.String("files"), Key: aws.String("org 1/a+b"),
				ResponseContentDisposition: aws.String(`attachment; filename="a.zip"`), ResponseCacheControl: aws.String("no-store"), ResponseContentType: aws.String("application/zip")}, client.WithPresignExpires(life))
			if err != nil {
				k.Fatal(err)
			}
			return out.URL
		}
		good := link(time.Now(), 5*time.Minute)
		k.send(k.request("GET", good, ""))
		k.send(k.request("GET", good, "", "Range: bytes=1-2"))
		k.send(k.request("HEAD", good, ""))
		k.send(k.request("DELETE", good, ""))
		k.send(k.request("GET", strings.Replace(good, "a%2Bb", "a%2Bc", 1), ""))
		k.send(k.request("GET", strings.Replace(good, "a.zip", "b.zip", 1), ""))
		k.send(k.request("GET", strings.Replace(good, "X-Amz-Expires=300", "X-Amz-Expires=3000", 1), ""))
		k.send(k.request("GET", strings.Replace(good, "X-Amz-Expires=300", "X-Amz-Expires=604801", 1), ""))
		k.send(k.request("GET", strings.Replace(good, "X-Amz-Expires=300", "X-Amz-Expires=0", 1), ""))
		k.send(k.request("GET", strings.Replace(good, "X-Amz-Expires=300", "X-Amz-Expires=-1", 1), ""))
		k.send(k.request("GET", strings.Replace(good, "X-Amz-Expires=300", "X-Amz-Expires=x", 1), ""))
		k.send(k.request("GET", strings.Replace(good, "X-Amz-Expires=300", "X-Amz-Other=1", 1), ""))
		k.send(k.request("GET", strings.Replace(good, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512", 1), ""))
		k.send(k.request("GET", strings.Replace(good, "us-east-1", "eu-west-1", 1), ""))
		k.send(k.request("GET", good+"&versionId=null", ""))
		k.send(k.request("GET", good+"0", ""))
		k.send(k.request("GET", good, "", "X-Amz-Meta-A: not signed"))
		k.send(k.request("GET", link(time.Now().Add(-4*time.Minute), 5*time.Minute), ""))
		k.send(k.request("GET", link(time.Now().Add(-6*time.Minute), 5*time.Minute), ""))
		k.send(k.request("GET", link(time.Now().Add(time.Hour), 5*time.Minute), ""))
		k.raw("GET", "/files/org%201/a%2Bb?response-content-type=text%2Fcsv&response-expires=0&response-content-language=de&response-content-encoding=br", "")
	}},
	{"a grant lets in one object, once", func(k *talk) {
		link := func(at time.Time) *v4.PresignedHTTPRequest {
			sign := client.NewPresignClient(k.Client, func(o *client.PresignOptions) { o.Presigner = dated{func() time.Time { return at }} })
			out, err := sign.PresignPutObject(context.Background(), &client.PutObjectInput{Bucket: aws.String("files"), Key: aws.String("in/a"), IfNoneMatch: aws.String("*"),
				ContentLength: aws.Int64(5), ContentType: aws.String("text/plain"), ChecksumSHA256: aws.String(sha256Of("hello"))}, client.WithPresignExpires(5*time.Minute))
			if err != nil {
				k.Fatal(err)
			}
			return out
		}
		good := link(time.Now())
		send := func(url, body string, change ...string) {
			r := k.request("PUT", url, body)
			for name, values := range good.SignedHeader {
				if name != "Host" && name != "Content-Length" {
					r.Header[http.CanonicalHeaderKey(name)] = values
				}
			}
			for _, h := range change {
				name, value, _ := strings.Cut(h, ": ")
				if r.Header.Set(name, value); value == "" {
					r.Header.Del(name)
				}
			}
			k.send(r)
		}
		send(good.URL, "jello")
		send(good.URL, "hello!")
		send(good.URL, "hell")
		send(good.URL, "hello", "Content-Type: text/html")
		send(good.URL, "jello", "X-Amz-Checksum-Sha256: "+sha256Of("jello"))
		send(good.URL, "hello", "If-None-Match: ")
		send(good.URL, "hello", "X-Amz-Checksum-Sha256: ")
		send(good.URL, "hello", "X-Amz-Meta-Owner: x")
		send(strings.Replace(good.URL, "in/a", "in/b", 1), "hello")
		send(link(time.Now().Add(-6*time.Minute)).URL, "hello")
		k.head("files", "in/a")
		send(good.URL, "hello")
		send(good.URL, "hello")
		k.head("files", "in/a")
	}},
	{"bodies in chunks", func(k *talk) {
		send := func(scheme, body string, headers ...string) {
			k.raw("PUT", "/files/a", body, append([]string{"X-Amz-Content-Sha256: " + scheme, "Content-Encoding: aws-chunked"}, headers...)...)
		}
		const unsigned, trailer, five = "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Trailer: x-amz-checksum-crc32", "X-Amz-Decoded-Content-Length: 5"
		send(unsigned, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", trailer, five)
		k.get("files", "a")
		k.head("files", "a")
		send(unsigned, "2\r\nhe\r\n3\r\nllo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", trailer, five)
		send(unsigned, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", trailer, five)
		send(unsigned, "5\r\nhello\r\n0\r\n\r\n", trailer, five)
		send(unsigned, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", trailer)
		send(unsigned, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", trailer, "X-Amz-Decoded-Content-Length: 4")
		send(unsigned, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", trailer, "X-Amz-Decoded-Content-Length: 6")
		send(unsigned, "x\r\nhello\r\n0\r\n\r\n", trailer, five)
		send(unsigned, "5\r\nhel", trailer, five)
		send("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "5;chunk-signature="+strings.Repeat("0", 64)+"\r\nhello\r\n0;chunk-signature="+strings.Repeat("0", 64)+"\r\n\r\n", five)
		k.put("files", "plain", "5\r\nhello\r\n0\r\n\r\n")
		k.get("files", "plain")
	}},
	{"what is said of a new object is judged", func(k *talk) {
		k.raw("PUT", "/files/a", "1", "X-Amz-Storage-Class: STANDARD_IA")
		k.head("files", "a")
		k.raw("PUT", "/files/a", "1", "X-Amz-Storage-Class: COLD")
		k.raw("PUT", "/files/a", "1", "X-Amz-Server-Side-Encryption: rot13")
		k.raw("PUT", "/files/a", "1", "X-Amz-Meta-A: "+strings.Repeat("x", 2100))
		k.raw("PUT", "/files/a", "1", "X-Amz-Tagging: state=clean&who=me")
		k.head("files", "a")
		k.get("files", "a")
		k.raw("PUT", "/files/a", "1", "X-Amz-Tagging: a=1&a=2")
		k.raw("PUT", "/files/a", "1", "X-Amz-Tagging: a=1&b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1&j=1&k=1")
		k.raw("PUT", "/files/a", "1", "X-Amz-Tagging: a=%zz")
		k.raw("PUT", "/files/a", "1", "X-Amz-Tagging: "+strings.Repeat("x", 129)+"=1")
		r := k.request("PUT", "/files/a", "1", "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD")
		r.ContentLength, r.Body = -1, io.NopCloser(strings.NewReader("1"))
		if err := sign(r, "UNSIGNED-PAYLOAD", identity.RootSecret, time.Now()); err != nil {
			k.Fatal(err)
		}
		k.send(r)
	}},
	{"copies", func(k *talk) {
		key := "in/a b+ü"
		out, err := k.PutObject(context.Background(), &client.PutObjectInput{Bucket: aws.String("files"), Key: &key, Body: strings.NewReader("hello"), ContentType: aws.String("image/png"),
			ContentDisposition: aws.String("inline"), Metadata: map[string]string{"a": "1"}, Tagging: aws.String("state=clean"), ChecksumAlgorithm: types.ChecksumAlgorithmSha256})
		heard(k, out, err)
		const source, tag, other = "files/in/a%20b%2B%C3%BC", `"5d41402abc4b2a76b9719d911017c592"`, `"00000000000000000000000000000000"`
		copied := func(key string, change func(*client.CopyObjectInput)) {
			in := &client.CopyObjectInput{Bucket: aws.String("versions"), Key: &key, CopySource: aws.String(source)}
			if change != nil {
				change(in)
			}
			out, err := k.CopyObject(context.Background(), in)
			heard(k, out, err)
			k.head(*in.Bucket, key)
		}
		copied("plain", nil)
		copied("slash", func(in *client.CopyObjectInput) { in.CopySource = aws.String("/" + source) })
		copied("escaped slash", func(in *client.CopyObjectInput) { in.CopySource = aws.String("files%2Fin%2Fa%20b%2B%C3%BC") })
		copied("as the product does", func(in *client.CopyObjectInput) {
			in.CopySourceIfMatch, in.ContentType, in.ContentDisposition = aws.String(tag), aws.String("image/jpeg"), aws.String("attachment")
			in.MetadataDirective, in.TaggingDirective = types.MetadataDirectiveReplace, types.TaggingDirectiveReplace
		})
		copied("stale", func(in *client.CopyObjectInput) { in.CopySourceIfMatch = aws.String(other) })
		copied("not other", func(in *client.CopyObjectInput) { in.CopySourceIfNoneMatch = aws.String(other) })
		copied("not this", func(in *client.CopyObjectInput) { in.CopySourceIfNoneMatch = aws.String(tag) })
		copied("not since", func(in *client.CopyObjectInput) {
			in.CopySourceIfUnmodifiedSince = aws.Time(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
		})
		copied("since", func(in *client.CopyObjectInput) {
			in.CopySourceIfModifiedSince = aws.Time(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
		})
		copied("other sum", func(in *client.CopyObjectInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc64nvme })
		copied("none", func(in *client.CopyObjectInput) { in.CopySource = aws.String("files/none") })
		copied("no bucket", func(in *client.CopyObjectInput) { in.CopySource = aws.String("nowhere/none") })
		copied("no key", func(in *client.CopyObjectInput) { in.CopySource = aws.String("files") })
		copied("no escape", func(in *client.CopyObjectInput) { in.CopySource = aws.String("files/%zz") })
		copied("directive", func(in *client.CopyObjectInput) { in.MetadataDirective = "MERGE" })
		copied(key, func(in *client.CopyObjectInput) { in.Bucket = aws.String("files") })
		copied(key, func(in *client.CopyObjectInput) {
			in.Bucket, in.MetadataDirective, in.ContentType = aws.String("files"), types.MetadataDirectiveReplace, aws.String("text/plain")
		})
		k.get("files", key)
		first := k.put("versions", "v", "one")
		k.put("versions", "v", "two")
		copied("of a version", func(in *client.CopyObjectInput) { in.CopySource = aws.String("versions/v?versionId=" + *first) })
		copied("of a version pinned", func(in *client.CopyObjectInput) {
			in.CopySource, in.CopySourceIfMatch = aws.String("versions/v?versionId="+*first), aws.String(`"f97c5d29941bfb1b2fdab0874906ab82"`)
		})
		copied("of a version stale", func(in *client.CopyObjectInput) {
			in.CopySource, in.CopySourceIfMatch = aws.String("versions/v?versionId="+*first), aws.String(other)
		})
	}},
	{"a copy is made once", func(k *talk) {
		k.put("files", "a", "hello")
		for range 2 {
			out, err := k.CopyObject(context.Background(), &client.CopyObjectInput{Bucket: aws.String("files"), Key: aws.String("b"), CopySource: aws.String("files/a"), IfNoneMatch: aws.String("*")})
			heard(k, out, err)
		}
	}},
	{"a copy of what was deleted", func(k *talk) {
		k.put("versions", "a", "hello")
		k.raw("DELETE", "/versions/a", "")
		out, err := k.CopyObject(context.Background(), &client.CopyObjectInput{Bucket: aws.String("versions"), Key: aws.String("b"), CopySource: aws.String("versions/a")})
		heard(k, out, err)
	}},
	{"lists", func(k *talk) {
		for _, key := range []string{"a/1", "a/2", "b", "c/1", "c/d/3", "c/e", "e", "ü", "B"} {
			k.put("files", key, key)
		}
		for _, q := range []string{"", "&prefix=c", "&prefix=c/", "&prefix=none", "&delimiter=/", "&delimiter=/&prefix=c/", "&delimiter=/&prefix=c", "&delimiter=d/", "&start-after=b", "&start-after=a/1&delimiter=/",
			"&start-after=zz", "&max-keys=0", "&max-keys=2", "&max-keys=2&delimiter=/", "&max-keys=9", "&max-keys=1001", "&max-keys=-1", "&max-keys=x", "&encoding-type=url", "&encoding-type=base64", "&fetch-owner=false",
			"&continuation-token=", "&continuation-token=!"} {
			k.raw("GET", "/files?list-type=2"+q, "")
		}
		for _, in := range []struct{ prefix, delimiter string }{{"", ""}, {"", "/"}, {"c", ""}, {"c/", "/"}} {
			for size := int32(1); size <= 3; size++ {
				k.keys(fmt.Sprintf("keys under %q by %q in pages of %d", in.prefix, in.delimiter, size), func() ([]string, error) { return k.objects("files", in.prefix, in.delimiter, size) })
			}
		}
	}},
	{"lists of versions", func(k *talk) {
		one := k.put("versions", "a/1", "1")
		k.put("versions", "a/1", "2")
		k.put("versions", "a/2", "1")
		k.raw("DELETE", "/versions/a/2", "")
		k.put("versions", "b", "1")
		k.put("versions", "d e", "1")
		k.put("files", "plain", "1")
		for _, q := range []string{"", "&prefix=a/", "&prefix=none", "&delimiter=/", "&key-marker=a/", "&key-marker=a/1&version-id-marker=" + *one, "&version-id-marker=" + *one,
			"&key-marker=a/1&version-id-marker=none", "&max-keys=0", "&max-keys=3", "&max-keys=-1", "&encoding-type=url", "&delimiter=/&max-keys=1"} {
			k.raw("GET", "/versions?versions"+q, "")
		}
		k.raw("GET", "/files?versions", "")
		k.raw("GET", "/versions?list-type=2", "")
	}},
	{"versions in pages", func(k *talk) {
		for _, key := range []string{"a/1", "a/1", "a/1", "a/2", "b"} {
			k.put("versions", key, key)
		}
		k.raw("DELETE", "/versions/a/2", "")
		for size := int32(1); size <= 3; size++ {
			k.keys(fmt.Sprintf("versions in pages of %d", size), func() ([]string, error) { return k.versions("versions", "", size) })
		}
		k.keys("versions after a/1", func() ([]string, error) { return k.versions("versions", "a/1", 1000) })
	}},
	{"a list of versions goes on after one that has been deleted", func(k *talk) {
		for range 4 {
			k.put("versions", "a", "1")
		}
		k.keys("deletes with pages of 2", func() (seen []string, err error) {
			pages := client.NewListObjectVersionsPaginator(k, &client.ListObjectVersionsInput{Bucket: aws.String("versions"), MaxKeys: aws.Int32(2)})
			for n := 0; n < mostPages && pages.HasMorePages(); n++ {
				page, err := pages.NextPage(context.Background())
				if err != nil {
					return seen, err
				}
				for _, v := range page.Versions {
					if _, err := k.DeleteObject(context.Background(), &client.DeleteObjectInput{Bucket: aws.String("versions"), Key: v.Key, VersionId: v.VersionId}); err != nil {
						return seen, err
					}
					seen = append(seen, "gone")
				}
			}
			return seen, nil
		})
		k.keys("what is left", func() ([]string, error) { return k.versions("versions", "", 1000) })
	}},
	{"a marker may lie over nothing", func(k *talk) {
		k.raw("DELETE", "/versions/a", "")
		k.raw("DELETE", "/versions/a", "")
		k.keys("the versions", func() ([]string, error) { return k.versions("versions", "", 1000) })
		out, err := k.DeleteObjects(context.Background(), &client.DeleteObjectsInput{Bucket: aws.String("versions"), Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("b")}}}})
		heard(k, out, err)
	}},
	{"a version can be deleted twice", func(k *talk) {
		first := k.put("versions", "a", "one")
		k.put("versions", "a", "two")
		for range 2 {
			k.raw("DELETE", "/versions/a?versionId="+aws.ToString(first), "")
		}
		k.raw("GET", "/versions/a?versionId="+aws.ToString(first), "")
		k.raw("GET", "/versions/a?versionId=null", "")
	}},
	{"versions and markers", func(k *talk) {
		first := k.put("versions", "a", "one")
		second := k.put("versions", "a", "two")
		at := func(method string, id *string) { k.raw(method, "/versions/a?versionId="+aws.ToString(id), "") }
		at("GET", first)
		at("HEAD", first)
		at("GET", second)
		marker := aws.String(k.raw("DELETE", "/versions/a", "").Get("X-Amz-Version-Id"))
		k.get("versions", "a")
		k.head("versions", "a")
		at("GET", marker)
		at("HEAD", marker)
		k.versionsOf("versions", "")
		at("DELETE", marker)
		k.get("versions", "a")
		at("DELETE", second)
		k.get("versions", "a")
		at("DELETE", first)
		k.get("versions", "a")
		k.versionsOf("versions", "")
		at("GET", aws.String("none"))
		k.put("files", "a", "one")
		k.raw("GET", "/files/a?versionId=null", "")
		k.raw("GET", "/files/a?versionId="+aws.ToString(first), "")
		k.raw("DELETE", "/files/a?versionId=null", "")
		k.raw("DELETE", "/files/a", "")
	}},
	{"deletes of many", func(k *talk) {
		first := k.put("versions", "a", "one")
		k.put("versions", "a", "two")
		k.put("versions", "b", "one")
		k.put("files", "a", "one")
		k.put("files", "b&c <d>", "two")
		many := func(bucket string, quiet bool, objects ...types.ObjectIdentifier) {
			out, err := k.DeleteObjects(context.Background(), &client.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: objects, Quiet: &quiet}})
			heard(k, out, err)
		}
		many("versions", false, types.ObjectIdentifier{Key: aws.String("a"), VersionId: first}, types.ObjectIdentifier{Key: aws.String("b")})
		many("versions", true, types.ObjectIdentifier{Key: aws.String("a")})
		list := k.versionsOf("versions", "")
		var all []types.ObjectIdentifier
		for _, v := range list.Versions {
			all = append(all, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		for _, m := range list.DeleteMarkers {
			all = append(all, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
		}
		many("versions", false, all...)
		k.versionsOf("versions", "")
		many("files", false, types.ObjectIdentifier{Key: aws.String("b&c <d>")}, types.ObjectIdentifier{Key: aws.String("none")})
		many("files", false)
		k.raw("PUT", "/heads/locked", "1", "Content-Md5: "+md5Of("1"))
		var locked []types.ObjectIdentifier
		for _, v := range k.versionsOf("heads", "").Versions {
			locked = append(locked, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		many("heads", true, locked...)
		body := func(n int) string {
			return "<Delete>" + strings.Repeat("<Object><Key>a</Key></Object>", n) + "</Delete>"
		}
		for _, text := range []string{body(1), body(1001), body(0), "<Delete>", "", "<Other/>"} {
			k.raw("POST", "/files?delete", text, "Content-Md5: "+md5Of(text))
		}
		k.raw("POST", "/files?delete", body(1))
		k.raw("POST", "/files?delete", body(1), "Content-Md5: "+md5Of("other"))
		k.raw("POST", "/files?delete", body(1), "X-Amz-Checksum-Sha256: "+sha256Of("other"))
	}},
	{"an object in parts", func(k *talk) {
		whole := strings.Repeat("0123456789abcdef", 11<<16)
		for _, a := range []types.ChecksumAlgorithm{types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmSha256, types.ChecksumAlgorithmCrc64nvme} {
			id := k.begin("files", "big", a)
			two := k.part("files", "big", id, 2, whole[6<<20:], a)
			one := k.part("files", "big", id, 1, whole[:6<<20], a)
			k.complete("files", "big", id, two, one)
			k.complete("files", "big", id, one, two)
			k.head("files", "big")
		}
		k.get("files", "big")
		k.raw("GET", "/files/big", "", "Range: bytes=6291450-6291469")
		k.raw("GET", "/files?list-type=2", "")
	}},
	{"an upload that is refused", func(k *talk) {
		five := strings.Repeat("x", 5<<20)
		id := k.begin("files", "big", types.ChecksumAlgorithmCrc32)
		one := k.part("files", "big", id, 1, "small", types.ChecksumAlgorithmCrc32)
		two := k.part("files", "big", id, 2, five, types.ChecksumAlgorithmCrc32)
		k.complete("files", "big", id, one, two)
		k.complete("files", "big", id)
		k.complete("files", "big", id, two, two)
		wrong := two
		wrong.ETag = aws.String(`"00000000000000000000000000000000"`)
		k.complete("files", "big", id, wrong)
		wrong = two
		wrong.PartNumber = aws.Int32(3)
		k.complete("files", "big", id, wrong)
		wrong = two
		wrong.ChecksumCRC32 = aws.String("AAAAAA==")
		k.complete("files", "big", id, wrong)
		k.complete("files", "other", id, two)
		path := "/files/big?uploadId=" + aws.ToString(id)
		for _, text := range []string{"", "<CompleteMultipartUpload>", "<Other/>", "<CompleteMultipartUpload></CompleteMultipartUpload>"} {
			k.raw("POST", path, text)
		}
		for _, n := range []string{"0", "-1", "10001", "x", ""} {
			k.raw("PUT", path+"&partNumber="+n, "small", "X-Amz-Checksum-Crc32: AAAAAA==")
		}
		k.raw("PUT", path+"&partNumber=3", "small", "X-Amz-Checksum-Crc32: AAAAAA==")
		k.raw("PUT", path+"&partNumber=3", "small", "Content-Md5: "+md5Of("other"))
		k.raw("PUT", "/files/big?uploadId=none&partNumber=3", "small")
		k.raw("GET", path, "")
		k.raw("GET", path+"&max-parts=1", "")
		k.raw("GET", path+"&part-number-marker=1", "")
		k.raw("GET", "/files?uploads", "")
		k.get("files", "big")
		k.part("files", "big", id, 1, five, types.ChecksumAlgorithmCrc32)
		k.raw("GET", path, "")
		k.raw("DELETE", path, "")
		k.raw("DELETE", path, "")
		k.raw("GET", path, "")
		k.complete("files", "big", id, two)
		k.raw("PUT", path+"&partNumber=3", "small")
		k.raw("GET", "/files?uploads", "")
	}},
	{"what an upload was begun with", func(k *talk) {
		k.put("files", "there", "1")
		begun, err := k.CreateMultipartUpload(context.Background(), &client.CreateMultipartUploadInput{Bucket: aws.String("files"), Key: aws.String("there"), ContentType: aws.String("application/zip"),
			ContentDisposition: aws.String("attachment"), Metadata: map[string]string{"a": "1"}, Tagging: aws.String("state=clean"), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32, ChecksumType: types.ChecksumTypeFullObject})
		id := heard(k, begun, err).UploadId
		one := k.part("files", "there", id, 1, "hello", types.ChecksumAlgorithmCrc32)
		in := &client.CompleteMultipartUploadInput{Bucket: aws.String("files"), Key: aws.String("there"), UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{one}}, IfNoneMatch: aws.String("*")}
		done, err := k.CompleteMultipartUpload(context.Background(), in)
		heard(k, done, err)
		in.IfNoneMatch = nil
		done, err = k.CompleteMultipartUpload(context.Background(), in)
		heard(k, done, err)
		k.get("files", "there")
		k.head("files", "there")
		begun, err = k.CreateMultipartUpload(context.Background(), &client.CreateMultipartUploadInput{Bucket: aws.String("files"), Key: aws.String("x"), ChecksumAlgorithm: types.ChecksumAlgorithmSha256, ChecksumType: types.ChecksumTypeFullObject})
		heard(k, begun, err)
		begun, err = k.CreateMultipartUpload(context.Background(), &client.CreateMultipartUploadInput{Bucket: aws.String("files"), Key: aws.String("x"), ChecksumAlgorithm: "MD4"})
		heard(k, begun, err)
		id = k.begin("versions", "v", "")
		one = k.part("versions", "v", id, 7, "hello", "")
		k.complete("versions", "v", id, one)
		k.get("versions", "v")
		k.versionsOf("versions", "")
	}},
	{"locks", func(k *talk) {
		locked := func(headers ...string) string {
			return k.raw("PUT", "/heads/a", "1", append(headers, "Content-Md5: "+md5Of("1"))...).Get("X-Amz-Version-Id")
		}
		at := func(method, id string, headers ...string) { k.raw(method, "/heads/a?versionId="+id, "", headers...) }
		soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		id := locked()
		at("HEAD", id)
		at("GET", id)
		at("DELETE", id)
		at("DELETE", id, "X-Amz-Bypass-Governance-Retention: true")
		k.raw("DELETE", "/heads/a", "")
		id = locked("X-Amz-Object-Lock-Mode: GOVERNANCE", "X-Amz-Object-Lock-Retain-Until-Date: "+soon)
		at("HEAD", id)
		at("DELETE", id)
		id = locked("X-Amz-Object-Lock-Mode: GOVERNANCE", "X-Amz-Object-Lock-Retain-Until-Date: "+soon, "X-Amz-Object-Lock-Legal-Hold: ON")
		at("DELETE", id, "X-Amz-Bypass-Governance-Retention: true")
		locked("X-Amz-Object-Lock-Mode: GOVERNANCE")
		locked("X-Amz-Object-Lock-Retain-Until-Date: " + soon)
		locked("X-Amz-Object-Lock-Mode: FOREVER", "X-Amz-Object-Lock-Retain-Until-Date: "+soon)
		locked("X-Amz-Object-Lock-Mode: COMPLIANCE", "X-Amz-Object-Lock-Retain-Until-Date: 2020-01-01T00:00:00Z")
		locked("X-Amz-Object-Lock-Mode: COMPLIANCE", "X-Amz-Object-Lock-Retain-Until-Date: tomorrow")
		locked("X-Amz-Object-Lock-Legal-Hold: MAYBE")
		k.raw("PUT", "/files/a", "1", "X-Amz-Object-Lock-Legal-Hold: ON", "Content-Md5: "+md5Of("1"))
		k.raw("PUT", "/files/a", "1", "X-Amz-Object-Lock-Mode: GOVERNANCE", "X-Amz-Object-Lock-Retain-Until-Date: "+soon, "Content-Md5: "+md5Of("1"))
		k.versionsOf("heads", "")
	}},
	{"a lock of mode GOVERNANCE may be broken", func(k *talk) {
		soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		id := k.raw("PUT", "/heads/a", "1", "X-Amz-Object-Lock-Mode: GOVERNANCE", "X-Amz-Object-Lock-Retain-Until-Date: "+soon, "Content-Md5: "+md5Of("1")).Get("X-Amz-Version-Id")
		k.raw("DELETE", "/heads/a?versionId="+id, "", "X-Amz-Bypass-Governance-Retention: true")
	}},
	{"a lock asks for a digest", func(k *talk) {
		soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		k.raw("PUT", "/heads/a", "1", "X-Amz-Checksum-Sha256: "+sha256Of("1"))
		k.raw("PUT", "/heads/a", "1", "X-Amz-Object-Lock-Mode: GOVERNANCE", "X-Amz-Object-Lock-Retain-Until-Date: "+soon)
		k.raw("PUT", "/heads/a", "1")
	}},
	{"buckets", func(k *talk) {
		out, err := k.HeadBucket(context.Background(), &client.HeadBucketInput{Bucket: aws.String("files")})
		heard(k, out, err)
		out, err = k.HeadBucket(context.Background(), &client.HeadBucketInput{Bucket: aws.String("nowhere")})
		heard(k, out, err)
		k.get("nowhere", "a")
		k.put("nowhere", "a", "1")
		k.raw("GET", "/nowhere?list-type=2", "")
		k.raw("DELETE", "/nowhere/a", "")
	}},
	{"pages of another origin", func(k *talk) {
		k.put("open", "a", "hello")
		for _, h := range [][]string{
			{"Origin: https://app.example.org", "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: content-type,x-amz-checksum-sha256"},
			{"Origin: https://app.example.org", "Access-Control-Request-Method: GET"},
			{"Origin: https://app.example.org", "Access-Control-Request-Method: DELETE"},
			{"Origin: https://evil.example.com", "Access-Control-Request-Method: PUT"},
			{"Origin: https://app.example.org"},
			{"Access-Control-Request-Method: PUT"},
		} {
			k.send(k.request("OPTIONS", "/open/a", "", h...))
		}
		k.send(k.request("OPTIONS", "/files/a", "", "Origin: https://app.example.org", "Access-Control-Request-Method: PUT"))
		k.raw("GET", "/open/a", "", "Origin: https://app.example.org")
		k.raw("GET", "/open/a", "", "Origin: https://evil.example.com")
		k.raw("GET", "/open/none", "", "Origin: https://app.example.org")
	}},
}

func (k *talk) begin(bucket, key string, a types.ChecksumAlgorithm) *string {
	out, err := k.CreateMultipartUpload(context.Background(), &client.CreateMultipartUploadInput{Bucket: &bucket, Key: &key, ChecksumAlgorithm: a, ContentType: aws.String("application/zip")})
	return heard(k, out, err).UploadId
}

func (k *talk) part(bucket, key string, id *string, n int32, body string, a types.ChecksumAlgorithm) types.CompletedPart {
	out, err := k.UploadPart(context.Background(), &client.UploadPartInput{Bucket: &bucket, Key: &key, UploadId: id, PartNumber: &n, Body: strings.NewReader(body), ChecksumAlgorithm: a})
	out = heard(k, out, err)
	return types.CompletedPart{ETag: out.ETag, PartNumber: &n, ChecksumCRC32: out.ChecksumCRC32, ChecksumSHA256: out.ChecksumSHA256, ChecksumCRC64NVME: out.ChecksumCRC64NVME}
}

func (k *talk) complete(bucket, key string, id *string, parts ...types.CompletedPart) {
	out, err := k.CompleteMultipartUpload(context.Background(), &client.CompleteMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
	heard(k, out, err)
}
