using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Api.Config;
using Serval.Kube.Remote;

namespace Serval.Kube.Tests.Remote;

/// <summary>What is wrong between a client and its server. The facts over a true server are in Serval.StoreConformance.</summary>
public sealed class HttpKubeClientTests
{
    private const string Map = """{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"n","resourceVersion":"5"}}""";
    private const string Maps = "/api/v1/namespaces/n/configmaps";
    private const string Taken = """{"kind":"Status","status":"Failure","message":"taken","reason":"AlreadyExists","code":409}""";
    private static readonly ObjectKey s_key = new("n", "a");
    private static readonly KubeObject s_unnamed = KubeObject.Parse("""{"kind":"ConfigMap","apiVersion":"v1","metadata":{"generateName":"job-","namespace":"n"}}"""u8.ToArray());
    private readonly ManualTime _time = new();

    [Fact]
    public async Task Send_ServerSaysWhenToComeBack_IsAskedAgainThenEvenForAWrite()
    {
        await using var server = await StubServer.StartAsync(
            StubServer.Say(429, "", ("Retry-After", "3")), StubServer.Say(503, "", ("Retry-After", "2")), StubServer.Say(201, Map));
        await using var client = Open(server.Access);
        var created = client.CreateAsync(Kinds.ConfigMap, KubeObject.Parse(System.Text.Encoding.UTF8.GetBytes(Map)), WriteOptions.By("me"));
        await _time.AdvanceOnceAsync(TimeSpan.FromSeconds(3));
        await _time.AdvanceOnceAsync(TimeSpan.FromSeconds(2));
        Assert.Equal("5", (await created).Metadata.ResourceVersion);
        Assert.Equal(Enumerable.Repeat($"POST {Maps}?fieldManager=me&fieldValidation=Ignore", 3), server.Asked);
    }

    [Theory]
    [InlineData(500, "<html>oh</html>", 500, "InternalError", "<html>oh</html>")]
    [InlineData(502, "", 502, "InternalError", "the server answered 502 to GET")]
    [InlineData(429, "{}", 429, "TooManyRequests", "")]
    [InlineData(404, "404 page not found", 404, "NotFound", "404 page not found")]
    [InlineData(301, "", 301, "", "the server answered 301")]
    [InlineData(422, """{"kind":"Status","status":"Failure","message":"bad","reason":"Invalid","code":422}""", 422, "Invalid", "bad")]
    [InlineData(200, "hello", 502, "InternalError", "no object of Kubernetes")]
    [InlineData(200, "[]", 502, "InternalError", "no object of Kubernetes")]
    public async Task Get_Failure_IsAnApiException(int code, string body, int expected, string reason, string words)
    {
        await using var server = await StubServer.StartAsync(StubServer.Say(code, body));
        await using var client = Open(server.Access);
        var failure = await Assert.ThrowsAsync<ApiException>(() => client.GetAsync(Kinds.ConfigMap, s_key));
        Assert.Equal((expected, reason), (failure.Code, failure.Reason));
        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Another API server than Serval's knows no defaults of Knative's kinds: they are there wherever an object is read.</summary>
    [Fact]
    public async Task Rules_CompleteWhatIsRead()
    {
        const string service = """{"kind":"Service","apiVersion":"serving.knative.dev/v1","metadata":{"name":"a","namespace":"n","resourceVersion":"5"},"spec":{"template":{"spec":{"containers":[{"image":"i"}]}}}}""";
        await using var server = await StubServer.StartAsync(
            StubServer.Say(200, service), StubServer.Say(200, $$"""{"metadata":{"resourceVersion":"5"},"items":[{{service}}]}"""), StubServer.Say(201, service), StubServer.Say(200, Map));
        await using var client = Open(server.Access);
        client.Rules = new KnativeRules(() => ServingConfig.Default with { Defaults = DefaultsConfig.Default with { RevisionTimeoutSeconds = 77 } });
        Check(await client.GetAsync(Kinds.KService, s_key));
        Check(Assert.Single((await client.ListAsync(Kinds.KService, "n", ListOptions.All)).Items));
        Check(await client.CreateAsync(Kinds.KService, KubeObject.Parse(System.Text.Encoding.UTF8.GetBytes(service)), WriteOptions.By("me")));
        Assert.True((await client.GetAsync(Kinds.ConfigMap, s_key)).SameAs(KubeObject.Parse(System.Text.Encoding.UTF8.GetBytes(Map))));

        static void Check(KubeObject read)
        {
            var spec = read.ToTree()["spec"]!;
            Assert.Equal("user-container", (string?)spec["template"]!["spec"]!["containers"]![0]!["name"]);
            Assert.Equal(300, (int?)spec["template"]!["spec"]!["timeoutSeconds"]); // a setting that changes changes nothing that is there
            Assert.Equal("""[{"latestRevision":true,"percent":100}]""", spec["traffic"]!.ToJsonString());
            Assert.Null(new KnativeRules(() => ServingConfig.Default).WhyInvalid(Kinds.KService, read));
        }
    }

    /// <summary>Kubernetes answers a Binding with a Status; who looks into the cache next finds the pod bound.</summary>
    [Fact]
    public async Task Create_ASubresourceAnsweredByAStatus_GivesTheObject()
    {
        const string pod = """{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"n","resourceVersion":"6"},"spec":{"nodeName":"left"}}""";
        await using var server = await StubServer.StartAsync(StubServer.Say(201, """{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201}"""), StubServer.Say(200, pod));
        await using var client = Open(server.Access);
        var binding = KubeObject.Parse("""{"kind":"Binding","apiVersion":"v1","metadata":{"name":"a","namespace":"n"},"target":{"name":"left"}}"""u8.ToArray());
        Assert.Equal(6, (await client.CreateAsync(Kinds.Pod, binding, WriteOptions.By("me", "binding"))).Version);
    }

    [Fact]
    public async Task Failure_Status_KeepsCausesAndDetails()
    {
        await using var server = await StubServer.StartAsync(StubServer.Say(403, """
            {"kind":"Status","message":"m","reason":"Forbidden","code":403,"details":{"name":"a","retryAfterSeconds":2,"causes":[{"reason":"NamespaceTerminating","message":"x","field":"f"}]}}
            """));
        await using var client = Open(server.Access);
        var failure = await Assert.ThrowsAsync<ApiException>(() => client.GetAsync(Kinds.ConfigMap, s_key));
        Assert.True(failure.IsNamespaceTerminating);
        Assert.Equal(new StatusCause("NamespaceTerminating", "x", "f"), Assert.Single(failure.Causes));
        Assert.Equal("""{"name":"a","retryAfterSeconds":2}""", failure.Details!.ToJsonString());
    }

    [Fact]
    public async Task Get_ConnectionBreaks_IsTriedAgainAWriteIsNot()
    {
        await using var server = await StubServer.StartAsync(StubServer.Break, StubServer.Say(200, Map), StubServer.Break, StubServer.Say(200, Map));
        await using var client = Open(server.Access);
        var got = client.GetAsync(Kinds.ConfigMap, s_key);
        await _time.AdvanceOnceAsync(TimeSpan.FromMilliseconds(200));
        Assert.Equal("a", (await got).Metadata.Name);
        var failure = await Assert.ThrowsAsync<ApiException>(() => client.PatchAsync(Kinds.ConfigMap, s_key, new KubePatch(PatchType.Merge, "{}"u8.ToArray()), WriteOptions.By("me")));
        Assert.Equal((503, "ServiceUnavailable"), (failure.Code, failure.Reason));
        Assert.Equal(3, server.Asked.Count);
    }

    [Fact]
    public async Task Create_WithGenerateNameAnswerLost_IsAskedAgainAndWhatIsThereIsIt()
    {
        await using var server = await StubServer.StartAsync(StubServer.Break, StubServer.Break, StubServer.Say(409, Taken), StubServer.Say(200, Map));
        await using var client = Open(server.Access);
        var created = client.CreateAsync(Kinds.ConfigMap, s_unnamed, WriteOptions.By("me"));
        await _time.AdvanceOnceAsync(TimeSpan.FromMilliseconds(200));
        await _time.AdvanceOnceAsync(TimeSpan.FromMilliseconds(400));
        Assert.Equal("5", (await created).Metadata.ResourceVersion);
        Assert.Equal(["POST", "POST", "POST", "GET"], server.Asked.Select(a => a.Split(' ')[0]));
        Assert.Matches($"^GET {Maps}/job-[a-z0-9]{{5}}$", server.Asked.Last());
    }

    [Fact]
    public async Task Create_WithGenerateName_TriesOtherNames()
    {
        await using var server = await StubServer.StartAsync([.. Enumerable.Repeat(StubServer.Say(409, Taken), 9), StubServer.Say(201, Map)]);
        await using var client = Open(server.Access);
        Assert.True((await Assert.ThrowsAsync<ApiException>(() => client.CreateAsync(Kinds.ConfigMap, s_unnamed, WriteOptions.By("me")))).IsAlreadyExists);
        Assert.Equal(8, server.Asked.Count);
        Assert.Equal("5", (await client.CreateAsync(Kinds.ConfigMap, s_unnamed, WriteOptions.By("me"))).Metadata.ResourceVersion);
        await using var nobody = Open(new ClusterAccess { Source = "some file", Server = new Uri("http://127.0.0.1:1") });
        Assert.Equal(503, (await Assert.ThrowsAsync<ApiException>(() => nobody.CreateAsync(Kinds.ConfigMap, s_unnamed, WriteOptions.By("me")))).Code); // it was never sent
    }

    [Fact]
    public async Task Get_NobodyListens_NamesTheServerAndWhoNamesIt()
    {
        await using var client = Open(new ClusterAccess { Source = "some file", Server = new Uri("http://127.0.0.1:1") });
        var asked = client.PatchAsync(Kinds.ConfigMap, s_key, new KubePatch(PatchType.Merge, "{}"u8.ToArray()), WriteOptions.By("me"));
        var failure = await Assert.ThrowsAsync<ApiException>(() => asked);
        Assert.Equal(503, failure.Code);
        Assert.StartsWith("no API server answers at http://127.0.0.1:1/ (Connection refused), which some file names", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_NoAnswer_EndsAfterAMinute()
    {
        await using var server = await StubServer.StartAsync();
        await using var client = Open(server.Access);
        var got = client.GetAsync(Kinds.ConfigMap, s_key);
        await Poll.UntilAsync(() => !server.Asked.IsEmpty);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((504, "Timeout"), await Assert.ThrowsAsync<ApiException>(() => got) is var e ? (e.Code, e.Reason) : default);
    }

    [Fact]
    public async Task Send_Refused401_IsSentAgainWithTheNextCredential()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "old");
        await using var server = await StubServer.StartAsync(
            async http =>
            {
                await File.WriteAllTextAsync(file, "new"); // somebody renews it
                await StubServer.Say(401, "")(http);
            },
            StubServer.Say(200, Map), StubServer.Say(401, "{}"));
        await using var client = Open(server.Access with { Credentials = new TokenFile(file, certificate: null, _time) });
        await client.GetAsync(Kinds.ConfigMap, s_key);
        Assert.Equal(401, (await Assert.ThrowsAsync<ApiException>(() => client.GetAsync(Kinds.ConfigMap, s_key))).Code);
        Assert.Equal([$"GET {Maps}/a Bearer old", $"GET {Maps}/a Bearer new", $"GET {Maps}/a Bearer new"], server.Asked);
        File.Delete(file);
    }

    [Fact]
    public async Task Write_Warnings_AreHeard()
    {
        await using var server = await StubServer.StartAsync(StubServer.Say(200, Map, ("Warning", "299 - \"say \\\"please\\\" and \\\\\""), ("Warning", "299 - \"two\"")));
        await using var client = Open(server.Access);
        var heard = new List<string>();
        await client.PatchAsync(Kinds.ConfigMap, s_key, new KubePatch(PatchType.Merge, "{}"u8.ToArray()), new WriteOptions { Warn = heard.Add });
        Assert.Equal(["say \"please\" and \\", "two"], heard);
    }

    [Fact]
    public async Task List_Pages_AreOneListAndBeginAnewWhenTheirPointIsGone()
    {
        const string Item = """{"metadata":{"name":"NAME","namespace":"n","resourceVersion":"3"}}""";
        static string Page(string name, string next) =>
            $$$"""{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"9","continue":"{{{next}}}"},"items":[{{{Item.Replace("NAME", name, StringComparison.Ordinal)}}}]}""";
        await using var server = await StubServer.StartAsync(
            StubServer.Say(200, Page("a", "t1")), StubServer.Say(200, Page("b", "")),
            StubServer.Say(200, Page("a", "t2")), StubServer.Say(410, ""), StubServer.Say(200, Page("c", "")), StubServer.Say(200, """{"metadata":{"resourceVersion":"9"},"items":null}"""));
        await using var client = Open(server.Access);
        var list = await client.ListAsync(Kinds.ConfigMap, "n", ListOptions.All);
        Assert.Equal((9, "", "v1 ConfigMap a, v1 ConfigMap b"), (list.ResourceVersion, list.Continue, string.Join(", ", list.Items.Select(i => $"{i.ApiVersion} {i.Kind} {i.Metadata.Name}"))));
        Assert.Equal("c", Assert.Single((await client.ListAsync(Kinds.ConfigMap, "n", ListOptions.All)).Items).Metadata.Name);
        Assert.Empty((await client.ListAsync(Kinds.ConfigMap, "n", ListOptions.All)).Items);
        Assert.Equal(["?limit=500", "?limit=500&continue=t1", "?limit=500", "?limit=500&continue=t2", "", "?limit=500"], server.Asked.Select(a => a[$"GET {Maps}".Length..]));
    }

    [Fact]
    public async Task Watch_CutInTheMiddleOfAFrame_GoesOnWhereItWas()
    {
        static string Frame(string type, int version) =>
            $$$"""{"type":"{{{type}}}","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"n","resourceVersion":"{{{version}}}"} } }""" + "\n";
        await using var server = await StubServer.StartAsync(
            StubServer.Say(200, Frame("ADDED", 6) + Frame("MODIFIED", 7)[..40]),
            StubServer.Say(200, Frame("MODIFIED", 7) + Frame("BOOKMARK", 20)),
            StubServer.Say(500, "<html>"),
            StubServer.Say(200, "\n" + Frame("DELETED", 21) + """{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}""" + "\n"));
        await using var client = Open(server.Access);
        using var stop = new CancellationTokenSource();
        await using var watch = client.WatchAsync(Kinds.ConfigMap, "n", new WatchOptions { ResourceVersion = "5" }, stop.Token).GetAsyncEnumerator(stop.Token);
        async Task<string> Next()
        {
            var moved = watch.MoveNextAsync().AsTask();
            await Poll.UntilAsync(() =>
            {
                _time.Advance(TimeSpan.FromSeconds(_time.Armed > 0 ? 5 : 0));
                return moved.IsCompleted;
            });
            await moved;
            return $"{watch.Current.Type} {watch.Current.Object.Version}";
        }
        Assert.Equal(["Added 6", "Modified 7", "Deleted 21"], [await Next(), await Next(), await Next()]);
        var expired = await Assert.ThrowsAsync<ApiException>(Next);
        Assert.Equal((410, "Expired", "too old"), (expired.Code, expired.Reason, expired.Message));
        Assert.Equal(["5", "6", "20", "20"], server.Asked.Select(a => a.Split("resourceVersion=")[1].Split('&')[0]));
    }

    [Fact]
    public async Task Watch_FrameWithoutEnd_IsNotKept()
    {
        await using var server = await StubServer.StartAsync(async http =>
        {
            var junk = new byte[1 << 20];
            Array.Fill(junk, (byte)' ');
            while (!http.RequestAborted.IsCancellationRequested)
            {
                await http.Response.Body.WriteAsync(junk, http.RequestAborted);
            }
        });
        await using var client = Open(server.Access);
        using var stop = new CancellationTokenSource();
        await using var watch = client.WatchAsync(Kinds.ConfigMap, "n", new WatchOptions { ResourceVersion = "5" }, stop.Token).GetAsyncEnumerator(stop.Token);
        var next = watch.MoveNextAsync().AsTask();
        await Poll.UntilAsync(() => _time.Armed == 1); // given up, and waits before it comes again
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
    }

    private HttpKubeClient Open(ClusterAccess access) => new(access, "test/1", _time, new Calm(), NullLogger<HttpKubeClient>.Instance);

    /// <summary>No jitter.</summary>
    private sealed class Calm : Random
    {
        public override double NextDouble() => 0;
    }
}
