using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.ApiServer.Audit;
using Serval.ApiServer.Http;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;

namespace Serval.ApiServer.Tests.Audit;

public sealed class AuditTests
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";

    [Fact]
    public async Task Writes_SecretsAndRefusals_AreTold_ReadsAreNot()
    {
        var lines = await RecordAsync(AuditLevel.Writes);
        Assert.Equal(
            ["list secrets 200", "create configmaps 201", "create configmaps 409", "list pods 401"],
            lines.Select(l => $"{l["verb"]} {l["objectRef"]!["resource"]} {l["responseStatus"]!["code"]}"));
        var created = lines[1];
        Assert.Equal(("Event", "audit.k8s.io/v1", "Metadata", "ResponseComplete", Maps + "?fieldManager=me"), (
            (string)created["kind"]!, (string)created["apiVersion"]!, (string)created["level"]!, (string)created["stage"]!, (string)created["requestURI"]!));
        Assert.Equal(("default", "one", "v1"), (
            (string)created["objectRef"]!["namespace"]!, (string)created["objectRef"]!["name"]!, (string)created["objectRef"]!["apiVersion"]!));
        Assert.Equal("""{"username":"kubernetes-admin","groups":["system:masters","system:authenticated"]}""", created["user"]!.ToJsonString());
        Assert.Equal("2026-03-01T12:00:00.000000Z", (string)created["requestReceivedTimestamp"]!);
        Assert.Equal("AlreadyExists", (string)lines[2]["responseStatus"]!["reason"]!);
        Assert.Equal("system:anonymous", (string)lines[3]["user"]!["username"]!);
    }

    [Fact]
    public async Task All_TellsOfReads_AndOfAWatchWhenItBegins()
    {
        var lines = await RecordAsync(AuditLevel.All);
        Assert.Equal(["list ResponseComplete", "watch ResponseStarted", "watch ResponseComplete"],
            lines.Where(l => (string?)l["objectRef"]?["resource"] == "configmaps" && (string)l["verb"]! is "list" or "watch").Select(l => $"{l["verb"]} {l["stage"]}"));
        Assert.Equal(lines[^2]["auditID"]!.ToString(), lines[^1]["auditID"]!.ToString());
    }

    [Fact]
    public async Task Off_KeepsNoFile() => Assert.Empty(await RecordAsync(AuditLevel.Off));

    [Fact]
    public async Task Id_IsTheClients_UnlessItIsTooLongOrNotPlain()
    {
        await using var server = await ApiServerFixture.StartAsync();
        foreach (var (given, kept) in new[] { ("mine", true), (new string('x', 65), false), ("a\u0001b", false), ("a b", false) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, Maps);
            request.Headers.TryAddWithoutValidation("Audit-Id", given);
            using var response = await server.Client.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal(kept, response.Headers.GetValues("Audit-Id").Single() == given);
        }
    }

    [Fact]
    public async Task File_Full_IsSetAside_AndOnlySoManyAreKept()
    {
        var directory = Directory.CreateTempSubdirectory("serval-audit-").FullName;
        var path = Path.Combine(directory, "audit.log");
        var clock = new ManualTime(DateTimeOffset.Parse("2026-03-01T12:00:00Z"));
        for (var i = 0; i < 15; i++)
        {
            await using var log = new AuditLog(path, AuditLevel.All, fileSize: 1, clock, new ErrorLog());
            var http = new DefaultHttpContext { Request = { Method = "GET", Path = $"/number/{i}" } };
            await log.TellAsync(new ApiRequest(http, clock.GetUtcNow()), "ResponseComplete");
        }
        Assert.Equal(
            Enumerable.Range(1, 10).Select(n => $"audit.log.{n} /number/{15 - n}"),
            Directory.GetFiles(directory).OrderBy(f => int.Parse(f.Split('.')[^1]))
                .Select(f => $"{Path.GetFileName(f)} {JsonNode.Parse(File.ReadAllText(f))!["requestURI"]}"));
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task Line_OfAnOldWatch_HasThePathThatWasAsked()
    {
        var line = await LineAsync(null, "/api/v1/watch/namespaces/default/pods");
        Assert.Equal("/api/v1/watch/namespaces/default/pods", (string?)line["requestURI"]);
    }

    [Fact]
    public async Task Line_OfARefusedBody_HasNothingOfIt()
    {
        const string Body = """{"apiVersion":"other/","kind":"Secret","stringData":{"k":"hidden"}}""";
        var bytes = System.Text.Encoding.UTF8.GetBytes(Body);
        foreach (var failure in new[] { GivenType.Mismatch(bytes, bytes, "apps/v1", "Deployment")!, GivenType.Unrecognized("Secret", "why", "{\"k\":\"hidden\"}"u8) })
        {
            Assert.Contains("hidden", failure.Message, StringComparison.Ordinal);
            var line = await LineAsync(failure, "/api/v1/namespaces/default/secrets");
            Assert.DoesNotContain("hidden", line.ToJsonString(), StringComparison.Ordinal);
        }
    }

    /// <summary>Whatever is wrong with what is sent for a Secret, neither that nor what is stored comes into the log.</summary>
    [Fact]
    public async Task Lines_OfRefusedWritesOfASecret_HaveNothingOfIt()
    {
        const string Secrets = "/api/v1/namespaces/default/secrets";
        const string Stored = "c3RvcmVk";
        var path = "";
        await using var store = await SqliteStore.OpenAsync(new StoreOptions());
        using var client = new EmbeddedKubeClient(store, TimeProvider.System, NullLoggerFactory.Instance);
        var messages = new List<string>();
        await using (var server = await ApiServerFixture.StartAsync(o =>
        {
            path = Path.Combine(o.DataDirectory, "audit.log");
            return o with { Client = client };
        }))
        {
            await server.SendAsync(HttpMethod.Post, "/api/v1/namespaces", """{"metadata":{"name":"default"}}""");
            await server.SendAsync(HttpMethod.Post, Secrets, $$$"""{"metadata":{"name":"s","finalizers":["a/b"]},"immutable":true,"data":{"k":"{{{Stored}}}"}}""");
            foreach (var (type, body) in s_refused)
            {
                var (method, at) = type.Contains("patch", StringComparison.Ordinal) ? (HttpMethod.Patch, "/s?fieldValidation=Strict&fieldManager=m") : (HttpMethod.Put, "/s?fieldValidation=Strict");
                var (response, status) = await server.SendAsync(method, Secrets + at, body, type);
                Assert.True((int)response.StatusCode is >= 400 and < 500, $"{type} {body}: {status.ToJsonString()}");
                messages.Add((string)status["message"]!);
            }
            await server.Host.DisposeAsync();
            var log = await File.ReadAllTextAsync(path);
            Assert.Equal(s_refused.Length + 2, log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
            Assert.DoesNotContain("hunter2", log, StringComparison.Ordinal);
            Assert.DoesNotContain(Stored, log, StringComparison.Ordinal);
            Assert.Contains("\"message\":\"patch: FieldValueInvalid\"", log, StringComparison.Ordinal);
        }
        Assert.True(messages.Count(m => m.Contains("hunter2", StringComparison.Ordinal) || m.Contains(Stored, StringComparison.Ordinal)) > 10, "the answers themselves are told too little to be a test: " + string.Join('\n', messages));
    }

    private static readonly (string Type, string Body)[] s_refused =
    [
        ("application/merge-patch+json", """{"x":1}"""),
        ("application/merge-patch+json", """{"stringData":{"p":"hunter2"},"x":1}"""),
        ("application/merge-patch+json", """{"stringData":{"p":["hunter2"]}}"""),
        ("application/merge-patch+json", """{"type":"hunter2"}"""),
        ("application/merge-patch+json", """{"metadata":{"labels":{"a":"hunter2 !"}}}"""),
        ("application/merge-patch+json", """{"data":{"hunter2":1e400}}"""),
        ("application/merge-patch+json", """{"hunter2":1,"hunter2":2}"""),
        ("application/strategic-merge-patch+json", """{"stringData":{"p":"hunter2"},"x":1}"""),
        ("application/strategic-merge-patch+json", """{"$patch":"x","stringData":{"p":"hunter2"}}"""),
        ("application/strategic-merge-patch+json", """{"$patch":{"p":"hunter2"}}"""),
        ("application/strategic-merge-patch+json", """{"metadata":{"ownerReferences":[{"name":"hunter2"}]}}"""),
        ("application/strategic-merge-patch+json", """{"metadata":{"ownerReferences":["hunter2"]}}"""),
        ("application/strategic-merge-patch+json", """{"metadata":{"$setElementOrder/finalizers":["hunter2"],"finalizers":["c/d"]}}"""),
        ("application/json-patch+json", """[{"op":"add","path":"/x","value":"hunter2"}]"""),
        ("application/json-patch+json", """[{"op":"replace","path":"","value":["hunter2"]}]"""),
        ("application/json-patch+json", """[{"op":"test","path":"/data/k","value":"hunter2"}]"""),
        ("application/json-patch+json", """[{"op":"test","path":"/data/k","value":"c3RvcmVk","hunter2":1}]"""),
        ("application/apply-patch+yaml", "apiVersion: v1\nkind: hunter2\n"),
        ("application/apply-patch+yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: [hunter2]\n"),
        ("application/apply-patch+yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: *hunter2\n"),
        ("application/json", """{"metadata":{"name":"s"},"stringData":{"p":["hunter2"]}}"""),
        ("application/json", """{"metadata":{"name":"hunter2"}}"""),
        ("application/json", """{"metadata":{"name":"s"},"type":"hunter2"}"""),
        ("application/json", """{"kind":"Hunter","apiVersion":"hunter2"}"""),
        ("application/json", """{"hunter2":{"""),
        ("application/yaml", "metadata: {name: s}\nstringData: *hunter2\n"),
        ("application/yaml", "metadata: {name: s}\nhunter2: x\nhunter2: y\n"),
    ];

    private static async Task<JsonNode> LineAsync(ApiException? failure, string asked)
    {
        var directory = Directory.CreateTempSubdirectory("serval-audit-").FullName;
        var path = Path.Combine(directory, "audit.log");
        var clock = new ManualTime(DateTimeOffset.Parse("2026-03-01T12:00:00Z"));
        await using (var log = new AuditLog(path, AuditLevel.All, AuditLog.FileSize, clock, new ErrorLog()))
        {
            var http = new DefaultHttpContext { Request = { Method = "GET", Path = asked } };
            await log.TellAsync(new ApiRequest(http, clock.GetUtcNow()) { Failure = failure }, "ResponseComplete");
        }
        var line = JsonNode.Parse(await File.ReadAllTextAsync(path))!;
        Directory.Delete(directory, recursive: true);
        return line;
    }

    [Fact]
    public async Task Line_OfALongRequest_IsCut()
    {
        var directory = Directory.CreateTempSubdirectory("serval-audit-").FullName;
        var path = Path.Combine(directory, "audit.log");
        var clock = new ManualTime(DateTimeOffset.Parse("2026-03-01T12:00:00Z"));
        await using (var log = new AuditLog(path, AuditLevel.All, AuditLog.FileSize, clock, new ErrorLog()))
        {
            var http = new DefaultHttpContext { Request = { Method = "GET", Path = "/api/v1/namespaces/" + new string('n', 30_000) + "/pods/" + new string('p', 30_000) } };
            http.Request.Headers.UserAgent = new string('u', 255) + "\U0001F600" + new string('u', 30_000); // the cut falls into one character
            await log.TellAsync(new ApiRequest(http, clock.GetUtcNow()) { Failure = new ApiException(403, "Forbidden", new string('m', 30_000)) }, "ResponseComplete");
        }
        var line = JsonNode.Parse(await File.ReadAllTextAsync(path))!;
        Assert.Equal((2048, new string('u', 255), 4096, 256, 256), (
            ((string)line["requestURI"]!).Length, (string)line["userAgent"]!, ((string)line["responseStatus"]!["message"]!).Length,
            ((string)line["objectRef"]!["namespace"]!).Length, ((string)line["objectRef"]!["name"]!).Length));
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task File_ThatCanBeWrittenAgain_IsSaidToLackLines()
    {
        var directory = Directory.CreateTempSubdirectory("serval-audit-").FullName;
        var path = Directory.CreateDirectory(Path.Combine(directory, "audit.log")).FullName;
        var clock = new ManualTime(DateTimeOffset.Parse("2026-03-01T12:00:00Z"));
        var warnings = new ErrorLog(LogLevel.Warning);
        await using (var log = new AuditLog(path, AuditLevel.All, AuditLog.FileSize, clock, warnings))
        {
            for (var i = 1; i <= 3; i++)
            {
                await TellAsync(log);
                await Poll.UntilAsync(() => log.Lost == i);
            }
            Directory.Delete(path);
            await TellAsync(log);
            await TellAsync(log);
        }
        Assert.Equal(2, warnings.Errors.Count);
        Assert.Contains("it lacks 3 lines", warnings.Errors.Last(), StringComparison.Ordinal);
        Directory.Delete(directory, recursive: true);

        ValueTask TellAsync(AuditLog log) => log.TellAsync(new ApiRequest(new DefaultHttpContext(), clock.GetUtcNow()), "ResponseComplete");
    }

    [Fact]
    public async Task File_ThatCannotBeWritten_CostsLinesNotRequests()
    {
        await using var server = await ApiServerFixture.StartAsync(o =>
        {
            Directory.CreateDirectory(Path.Combine(o.DataDirectory, "audit.log"));
            return o;
        });
        var (response, _) = await server.CreateConfigMapAsync("one");
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
    }

    private static async Task<List<JsonNode>> RecordAsync(AuditLevel level)
    {
        var path = "";
        var token = "";
        await using (var server = await ApiServerFixture.StartAsync(o =>
        {
            path = Path.Combine(o.DataDirectory, "audit.log");
            return o with { Audit = level };
        }))
        {
            token = server.AdminToken;
            await server.SendAsync(HttpMethod.Get, Maps);
            await server.SendAsync(HttpMethod.Get, "/api/v1/secrets");
            await server.SendAsync(HttpMethod.Post, Maps + "?fieldManager=me", ApiServerFixture.ConfigMap("one"));
            await server.SendAsync(HttpMethod.Post, Maps, ApiServerFixture.ConfigMap("one"));
            using var stranger = server.Connect(withCertificate: false);
            stranger.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token + "x");
            using (await stranger.GetAsync("/api/v1/pods"))
            {
            }
            using (await server.Client.GetAsync(Maps + "?watch=true&timeoutSeconds=1", HttpCompletionOption.ResponseHeadersRead))
            {
                server.Clock.Advance(TimeSpan.FromSeconds(1));
            }
            await server.Host.DisposeAsync();
            if (level == AuditLevel.Off)
            {
                Assert.False(File.Exists(path));
                return [];
            }
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            }
            var text = await File.ReadAllTextAsync(path);
            Assert.DoesNotContain(token, text, StringComparison.Ordinal);
            return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!)];
        }
    }
}
