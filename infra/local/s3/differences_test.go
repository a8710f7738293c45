package s3_test

// difference is where versitygw says something else than our server, and why ours is right. Where the status differs, the
// rest of the answer follows from it and is not compared.
type difference struct {
	where        string // conversation/number of an exchange, a conversation for all of its, empty for all
	field        string
	ours, theirs string // empty is absent
	why          string // what is documented, by AWS where nobody else is named
}

func (d difference) covers(ours, theirs string) bool {
	return (d.ours == ours || d.ours == anything) && (d.theirs == theirs || d.theirs == anything)
}

// anything stands for whatever a server says.
const anything = "<anything>"

// differences are what versitygw v1.8.0 says otherwise.
var differences = []difference{
	// What it says everywhere.
	{"", "X-Amz-Server-Side-Encryption", "AES256", "", "every object is encrypted, and the header names how (PutObject, GetObject, HeadObject)"},
	{"", "X-Amz-Storage-Class", "", "STANDARD", "the header comes for all objects except those of class STANDARD (GetObject, HeadObject)"},
	{"what is said of a new object is judged/2", "X-Amz-Storage-Class", "STANDARD_IA", "STANDARD", "the header names the class that the object was put with (HeadObject)"},
	{"", "X-Amz-Object-Size", "", anything, "only an append to an object of a directory bucket answers with the size (PutObject)"},
	{"", "X-Amz-Bucket-Region", "", "us-east-1", "the region comes with HeadBucket; lists do not document it"},
	{"", "CopyObjectResult", "in http://s3.amazonaws.com/doc/2006-03-01/", "in ", "the model of the service puts all results into its namespace"},
	{"", "DeleteResult", "in http://s3.amazonaws.com/doc/2006-03-01/", "in ", "the model of the service puts all results into its namespace"},
	{"", "ListBucketResult/ContinuationToken", "", "<token>", "the element repeats a token that was sent, and none was (ListObjectsV2)"},
	{"", "Access-Control-Expose-Headers", "ETag", "ETag, x-amz-storage-class", "the header lists what the bucket's rule exposes"},

	// Keys, which it makes paths of.
	{"a key is no path of a file system/2", "status", "200", "409 ObjectParentIsFile", "a key is flat: its slashes mean nothing (Naming objects)"},
	{"a key is no path of a file system/4", "status", "200", "409 ExistingObjectIsDirectory", "a key is flat: its slashes mean nothing (Naming objects)"},
	{"a key is no path of a file system/8", "status", "404 NoSuchKey", "200", "x//y and x/y are two keys (Naming objects)"},
	{"a key is no path of a file system/9", "status", "200", "400 KeyTooLongError", "a key has up to 1,024 bytes, between slashes as well (Naming objects)"},
	{"a key is no path of a file system/11", "status", "a a/b d d/e folder/ k{1024} x//y", "a d/e folder/ x/y", "follows from the above"},

	// Ranges.
	{"ranges/14", "status", "200", "206", "a position is digits alone (RFC 9110, 14.1.1), and a range that is none is ignored (14.2)"},

	// Conditions.
	{"conditions of a read", "Etag", `"5d41402abc4b2a76b9719d911017c592"`, "", "a 304 carries the tag that a 200 would have carried (RFC 9110, 15.4.5)"},
	{"conditions of a read", "Content-Type", "", "application/xml", "a 304 has no content (RFC 9110, 15.4.5)"},
	{"conditions of a read/18", "status", "304", "200", "not modified since its own Last-Modified: dates of HTTP have whole seconds (RFC 9110, 13.1.3)"},
	{"conditions of a read/19", "status", "200", "412 PreconditionFailed", "not modified since its own Last-Modified: dates of HTTP have whole seconds (RFC 9110, 13.1.4)"},
	{"what was deleted may be created/3", "status", "200", "412 PreconditionFailed", "If-None-Match succeeds when the current version is a delete marker (Conditional writes)"},
	{"conditions of a delete/7", "status", "204", "412 PreconditionFailed", "If-Match: * asks that the object exists, and it does (Conditional deletes)"},
	{"copies/14", "status", "412 PreconditionFailed", "304", "a copy whose source matches x-amz-copy-source-if-none-match is 412 (CopyObject)"},
	{"a copy is made once/3", "status", "412 PreconditionFailed", "200", "If-None-Match: * refuses a copy over an object (CopyObject)"},

	// Signatures.
	{"signatures/2", "status", "403 InvalidAccessKeyId", "404 XAdminUserNotFound", "an unknown key is InvalidAccessKeyId, 403 (Error responses)"},
	{"signatures/5", "status", "400 AuthorizationHeaderMalformed", "403 AccessDenied", "a header that cannot be read is AuthorizationHeaderMalformed, 400 (Error responses)"},
	{"signatures/6", "status", "400 AuthorizationHeaderMalformed", "403 AccessDenied", "a header that cannot be read is AuthorizationHeaderMalformed, 400 (Error responses)"},
	{"links to read/10", "status", "400 AuthorizationQueryParametersError", "403 AccessDenied", "X-Amz-Expires is 1 at least (Signature in the query)"},
	{"links to read/21", "status", "403 AccessDenied", "200", "a link dated an hour ahead is not yet valid: requests hold within 15 minutes of their date (Signing)"},

	// What is stored of an object.
	{"bodies in chunks/2", "Content-Encoding", "", "aws-chunked", "the object is stored without aws-chunked in its encoding (Signature of chunked uploads)"},
	{"bodies in chunks/3", "Content-Encoding", "", "aws-chunked", "the object is stored without aws-chunked in its encoding (Signature of chunked uploads)"},
	{"what is said of a new object is judged/4", "status", "400 InvalidEncryptionAlgorithmError", "200", "an encryption that is none is refused (Error responses)"},
	{"copies/34", "CopyObjectResult/ChecksumSHA256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "", "the result tells the checksum of the copy (CopyObject)"},
	{"copies/35", "Content-Disposition", "", "inline", "REPLACE takes over none of the source's metadata (CopyObject)"},
	{"copies/36", "Content-Disposition", "", "inline", "REPLACE takes over none of the source's metadata (CopyObject)"},
	{"a copy of what was deleted/3", "status", "404 NoSuchKey", "200", "a source whose current version is a delete marker is as if deleted (CopyObject)"},
	{"what an upload was begun with/11", "X-Amz-Checksum-Crc64nvme", "M3eFcAZSQlc=", "", "a part that came without a checksum gets this one, and the answer tells it (UploadPart)"},

	// Lists.
	{"a key may be any text/26", "ListBucketResult/Contents/Key", anything, anything, "encoding-type=url encodes the keys (ListObjectsV2)"},
	{"a key may be any text/26", "ListBucketResult/EncodingType", "url", "", "encoding-type=url is repeated (ListObjectsV2)"},
	{"lists/28", "ListBucketResult/Contents/Key", anything, anything, "encoding-type=url encodes the keys (ListObjectsV2)"},
	{"lists/28", "ListBucketResult/EncodingType", "url", "", "encoding-type=url is repeated (ListObjectsV2)"},
	{"lists/29", "status", "400 InvalidArgument", "200", "url is the one valid value of encoding-type (ListObjectsV2)"},
	{"lists/32", "status", "400 InvalidArgument", "200", "a continuation token is one that an answer gave (ListObjectsV2)"},
	{"lists of versions/14", "status", "400 InvalidArgument", "200", "version-id-marker goes together with key-marker (ListObjectVersions)"},
	{"lists of versions/15", "status", "400 InvalidArgument", "200", "version-id-marker is the id of a version (ListObjectVersions)"},
	{"lists of versions/16", "ListVersionsResult/IsTruncated", "false", "true", "a page of none leads nowhere: ListObjectsV2 says false in both servers"},
	{"lists of versions/16", "ListVersionsResult/NextKeyMarker", "", "a", "comes when the answer is truncated (ListObjectVersions)"},
	{"lists of versions/19", "ListVersionsResult/EncodingType", "url", "", "encoding-type=url is repeated (ListObjectVersions)"},
	{"lists of versions/19", "ListVersionsResult/Version/Key", anything, anything, "encoding-type=url encodes the keys (ListObjectVersions)"},
	{"lists of versions/20", "ListVersionsResult/NextKeyMarker", "a/", "b", "the marker is the last key or common prefix of the page (ListObjectVersions)"},
	{"versions in pages/7", "status", "a/1 a/1 a/1 -a/2 a/2 b", "a/1 a/1 a/1 a/1 a/1 a/1 a/1 a/1 a/1 a/1", "a page begins after its markers (ListObjectVersions); theirs comes again for ever"},
	{"versions in pages/8", "status", "a/1 a/1 a/1 -a/2 a/2 b", "a/1 a/1 a/1 -a/2 a/2 -a/2 b", "a page begins after its markers (ListObjectVersions)"},
	{"versions in pages/9", "status", "a/1 a/1 a/1 a/2 b -a/2", "a/1 a/1 a/1 a/2 b -a/2 b", "a page begins after its markers (ListObjectVersions)"},
	{"versions in pages/10", "status", "a/2 b -a/2", "a/1 a/1 a/1 a/2 b -a/2", "key-marker alone is the key after which a page begins (ListObjectVersions)"},
	{"a list of versions goes on after one that has been deleted/5", "status", "gone gone gone gone", "gone gone", "a page begins after its markers, whatever has become of them (ListObjectVersions)"},
	{"a list of versions goes on after one that has been deleted/6", "status", "", "a a", "follows from the above"},

	// Deletes.
	{"a marker may lie over nothing", "X-Amz-Delete-Marker", "true", "", "with versioning a delete without a version inserts a delete marker (DeleteObject)"},
	{"a marker may lie over nothing/1", "X-Amz-Version-Id", "<version 1>", "", "the version of the delete marker that was made (DeleteObject)"},
	{"a marker may lie over nothing/2", "X-Amz-Version-Id", "<version 2>", "", "the version of the delete marker that was made (DeleteObject)"},
	{"a marker may lie over nothing/3", "status", "-a -a", "", "follows from the above"},
	{"a marker may lie over nothing/4", "DeleteResult/Deleted/DeleteMarker", "true", "", "with versioning a delete without a version inserts a delete marker (DeleteObjects)"},
	{"a marker may lie over nothing/4", "DeleteResult/Deleted/DeleteMarkerVersionId", "<version 3>", "", "the version of the delete marker that was made (DeleteObjects)"},
	{"a version can be deleted twice/4", "status", "204", "400 InvalidArgument", "deleting what is not there succeeds (DeleteObject)"},
	{"versions and markers/7", "Last-Modified", "", "<now>", "Last-Modified comes with the 405 of a marker that was named, not with the 404 of a current one (GetObject)"},
	{"versions and markers/7", "X-Amz-Version-Id", "<version 3>", "", "the version of the delete marker is told (GetObject)"},
	{"versions and markers/8", "X-Amz-Delete-Marker", "true", "", "a 404 because of a delete marker says so (HeadObject)"},
	{"versions and markers/8", "X-Amz-Version-Id", "<version 3>", "", "the version of the delete marker is told (HeadObject)"},
	{"versions and markers/21", "X-Amz-Version-Id", "", "null", "objects of a bucket that never had versioning have no version to tell (GetObject)"},
	{"versions and markers/23", "X-Amz-Version-Id", "null", "", "the version that was named and deleted is told (DeleteObject)"},
	{"deletes of many/6", "DeleteResult/Deleted/DeleteMarker", "true", "false | true", "says whether a marker was made or deleted; absent is false (DeleteObjects)"},
	{"deletes of many/9", "DeleteResult/Deleted/DeleteMarker", "true | true", "false | false | true | true", "says whether a marker was made or deleted; absent is false (DeleteObjects)"},
	{"deletes of many/7", "DeleteResult/Deleted/DeleteMarker", "", "true", "a quiet delete tells failures only (DeleteObjects)"},
	{"deletes of many/7", "DeleteResult/Deleted/DeleteMarkerVersionId", "", "<version 5>", "a quiet delete tells failures only (DeleteObjects)"},
	{"deletes of many/7", "DeleteResult/Deleted/Key", "", "a", "a quiet delete tells failures only (DeleteObjects)"},
	{"deletes of many/16", "status", "400 MalformedXML", "200", "a request lists 1,000 keys at most (DeleteObjects)"},
	{"deletes of many/17", "status", "400 MalformedXML", "200", "a request lists a key at least: Object is required (DeleteObjects)"},
	{"deletes of many/18", "status", "400 MalformedXML", "400 InvalidRequest", "XML that is not well formed is MalformedXML (Error responses)"},
	{"deletes of many/20", "status", "400 MalformedXML", "200", "XML that does not follow the schema is MalformedXML (Error responses)"},

	// Locks.
	{"locks", "X-Amz-Object-Lock-Mode", "COMPLIANCE", "", "the bucket's default retention is put on the version, and told with it (Object Lock)"},
	{"locks", "X-Amz-Object-Lock-Retain-Until-Date", "<now+43200 min>", "", "the bucket's default retention is put on the version, and told with it (Object Lock)"},
	{"a lock of mode GOVERNANCE may be broken/2", "status", "204", "403 AccessDenied", "who may bypass the retention does so with the header (Object Lock)"},
	{"a lock asks for a digest/2", "status", "400 InvalidRequest", "200", "a write under a retention needs Content-MD5 or a checksum (PutObject)"},
	{"a lock asks for a digest/3", "status", "400 InvalidRequest", "200", "a write under a retention needs Content-MD5 or a checksum (PutObject)"},
}
