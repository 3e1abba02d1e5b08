using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Api.Core;
using Serval.Kube;
using Serval.Node.Agent;
using Serval.Node.Containers;
using Serval.Node.Processes;
using Serval.Node.Volumes;

namespace Serval.Node.Tests;

public sealed class VolumeTests
{
    private const string Settings = """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"default"},"data":{"a.txt":"one","b.txt":"two"}}""";
    private const string Credentials = """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"default"},"data":{"token":"aHVzaA=="}}""";
    private const string Robot = """{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"robot","namespace":"default","uid":"u-7"}}""";

    [Theory]
    [InlineData("/mnt")]
    [InlineData("/etc/serval-test/deep/config")]
    [InlineData("/serval-test/config")]
    public async Task ConfigMap_IsMountedAnywhere_AndTheMachineIsNotTouched(string path)
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(Kinds.ConfigMap, Settings);
        var existed = Directory.Exists(path);
        var before = existed ? Directory.GetFileSystemEntries(path) : [];
        if (!await RunsAsync(node, Mounting(
            $"cd {path} && cat a.txt && ls && ls -d /usr/bin && test -w {node.Data} && echo done", path,
            """{"name":"v","configMap":{"name":"c"}}""")))
        {
            return;
        }

        var log = await node.LogAsync("done\n");

        Assert.Equal("onea.txt\nb.txt\n/usr/bin\ndone\n", log);
        Assert.Equal(existed, Directory.Exists(path));
        Assert.Equal(before, existed ? Directory.GetFileSystemEntries(path) : []);
        Assert.False(Path.Exists("/etc/serval-test"));
        Assert.False(Path.Exists("/serval-test"));
    }

    [Fact]
    public async Task Mounts_OfAllKinds_TogetherInOneContainer()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(Kinds.ConfigMap, Settings);
        await node.CreateAsync(Kinds.Secret, Credentials);
        var pod = TestNode.Shell(
            """
            cat /srv-test/all/cfg/x /srv-test/all/token /srv-test/all/name; echo
            cat /etc/only.txt; echo
            echo hello > /scratch-test/file && cat /scratch-test/file; stat -f -c %T /scratch-test; stat -c %a /srv-test/all/token/..data/token 2>/dev/null
            echo x > /srv-test/all/new || echo read-only; echo done
            """,
            c => c["volumeMounts"] = JsonNode.Parse(
                """
                [{"name":"all","mountPath":"/srv-test/all"},{"name":"one","mountPath":"/etc/only.txt","subPath":"b.txt"},
                 {"name":"mem","mountPath":"/scratch-test"}]
                """),
            p => p["spec"]!["volumes"] = JsonNode.Parse(
                """
                [{"name":"all","projected":{"sources":[{"configMap":{"name":"c","items":[{"key":"a.txt","path":"cfg/x"}]}},
                   {"secret":{"name":"s"}},{"downwardAPI":{"items":[{"path":"name","fieldRef":{"fieldPath":"metadata.name"}}]}}]}},
                 {"name":"one","configMap":{"name":"c"}},{"name":"mem","emptyDir":{"medium":"Memory","sizeLimit":"1Mi"}}]
                """));
        if (!await RunsAsync(node, pod))
        {
            return;
        }

        var log = await node.LogAsync("done\n");

        Assert.Equal("onehushp1\ntwo\nhello\ntmpfs\n", log[..log.IndexOf("/bin/sh", StringComparison.Ordinal)]);
        Assert.Contains("read-only", log);
        Assert.False(Path.Exists("/etc/only.txt"));
    }

    [Fact]
    public async Task EmptyDir_IsSharedByTheContainersOfThePod_InMemoryToo()
    {
        await using var node = await TestNode.StartAsync();
        static JsonNode Mounts(string path) => JsonNode.Parse($$"""[{"name":"disk","mountPath":"{{path}}/disk"},{"name":"mem","mountPath":"{{path}}/mem"}]""")!;
        if (!await RunsAsync(node, TestNode.Shell(
            "until test -e /one-test/mem/f && test -e /one-test/disk/f; do sleep 0.01; done; echo both",
            c => c["volumeMounts"] = Mounts("/one-test"),
            p =>
            {
                p["spec"]!["volumes"] = JsonNode.Parse("""[{"name":"disk","emptyDir":{}},{"name":"mem","emptyDir":{"medium":"Memory"}}]""");
                p["spec"]!["containers"]!.AsArray().Add(new JsonObject
                {
                    ["name"] = "other", ["image"] = "x",
                    ["command"] = new JsonArray { "sh", "-c", "touch /two-test/disk/f /two-test/mem/f; sleep 60" },
                    ["volumeMounts"] = Mounts("/two-test"),
                });
            })))
        {
            return;
        }
        var seen = new MemoryStream();
        await node.WhenAsync(p => p.Status.ContainerStatuses is [{ RestartCount: >= 0, State.Running: not null } or { RestartCount: > 0 }, ..]);
        await node.Agent.Streams.CopyLogsAsync(
            new ObjectKey("default", "p1"), new LogOptions { Container = "app", Follow = true }, seen, CancellationToken.None);

        Assert.Equal("both\n", System.Text.Encoding.UTF8.GetString(seen.ToArray()));
    }

    [Fact]
    public async Task ConfigMap_Changed_ShowsInTheRunningContainer()
    {
        await using var node = await TestNode.StartAsync();
        var map = await node.CreateAsync(Kinds.ConfigMap, Settings);
        if (!await RunsAsync(node, Mounting(
            "cat /cfg-test/a.txt; echo; until grep -q new /cfg-test/a.txt; do sleep 0.01; done; while test -L /cfg-test/b.txt; do sleep 0.01; done; echo changed; ls /cfg-test", "/cfg-test",
            """{"name":"v","configMap":{"name":"c"}}""")))
        {
            return;
        }
        await node.LogAsync("one");

        await node.Kube.UpdateAsync(Kinds.ConfigMap, map.With(o => o["data"] = new JsonObject { ["a.txt"] = "new" }), WriteOptions.By("test"));

        Assert.Equal("one\nchanged\na.txt\n", await node.LogAsync("a.txt\n"));
    }

    [Fact]
    public async Task DownwardApi_LabelsChanged_ShowInTheRunningContainer()
    {
        await using var node = await TestNode.StartAsync();
        if (!await RunsAsync(node, Mounting(
            "cat /pod-test/labels; echo; until grep -q new /pod-test/labels && grep -q noted /pod-test/note; do sleep 0.01; done; echo changed", "/pod-test",
            """
            {"name":"v","downwardAPI":{"items":[{"path":"labels","fieldRef":{"fieldPath":"metadata.labels"}},
              {"path":"note","fieldRef":{"fieldPath":"metadata.annotations['note']"}}]}}
            """)))
        {
            return;
        }
        await node.LogAsync("rev-1");

        await node.Kube.PatchAsync(
            Kinds.Pod, new ObjectKey("default", "p1"),
            new KubePatch(PatchType.Merge, """{"metadata":{"labels":{"tier":"new"},"annotations":{"note":"noted"}}}"""u8.ToArray()), WriteOptions.By("test"));

        await node.LogAsync("changed\n");
    }

    [Fact]
    public async Task Secret_FilesHaveTheModesAskedFor_BelowADirectoryOfOurOwn()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(Kinds.Secret, """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"default"},"data":{"a":"aHVzaA==","b":"aHVzaA=="}}""");
        if (!await RunsAsync(node, Mounting(
            "stat -L -c %a /sec-test/a /sec-test/b; echo done", "/sec-test",
            """{"name":"v","secret":{"secretName":"s","defaultMode":256,"items":[{"key":"a","path":"a"},{"key":"b","path":"b","mode":288}]}}""")))
        {
            return;
        }

        Assert.Equal("400\n440\ndone\n", await node.LogAsync("done\n"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(node.Data, "pods")));
    }

    [Fact]
    public async Task Files_UnderAStrictUmask_AreStillReachedByEveryUser()
    {
        await using var node = new TestNode();
        var volume = Path.Combine(node.Data, "v");

        Strictly(() => AtomicDirectory.Write(volume, new Dictionary<string, VolumeFile> { ["deep/er/f"] = new([1], 0x1A4) }));

        Assert.All(
            [volume, volume + "/..data/", volume + "/deep/", volume + "/deep/er"],
            d => Assert.Equal(OpenDirectory.Mode, File.GetUnixFileMode(d)));
    }

    [PrivilegedTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task MountPoints_UnderAStrictUmask_AreStillReachedByEveryUser(bool ownRoot)
    {
        await using var node = new TestNode();
        var source = Directory.CreateDirectory(Path.Combine(node.Data, "source")).FullName;
        var plan = new MountPlan
        {
            ImageRoot = ownRoot ? node.Image : null, Scratch = Directory.CreateDirectory(Path.Combine(node.Data, "scratch")).FullName, Base = node.Data + "/view",
            Binds = [new BindMount(source, "/umask-test/deep/dir", ReadOnly: true), new BindMount(source, "/umask-test/sub", ReadOnly: false) { SubPath = "sub/path", NewMode = PodVolumes.OpenToAll }],
        };
        ViewBase.Create(plan.Base);
        UnixFileMode[] modes = [];

        Strictly(() =>
        {
            var root = MountNamespace.Build(plan);
            modes = [.. new[] { "/umask-test", "/umask-test/deep", "/umask-test/sub" }.Select(d => File.GetUnixFileMode(root.TrimEnd('/') + d))];
        });

        Assert.Equal([OpenDirectory.Mode, OpenDirectory.Mode, PodVolumes.OpenToAll], modes);
    }

    [PrivilegedFact(users: true)]
    public async Task SubPath_OfAnEmptyDir_IsWritableByAnyUser()
    {
        await using var node = await TestNode.StartAsync();
        var pod = Mounting("touch /sub-test/d/f /sub-test/m/f && echo done; sleep 60", "/sub-test", """{"name":"d","emptyDir":{}}""");
        pod["spec"]!["securityContext"] = JsonNode.Parse("""{"runAsUser":1234}""");
        pod["spec"]!["volumes"]!.AsArray().Add(JsonNode.Parse("""{"name":"m","emptyDir":{"medium":"Memory"}}"""));
        pod["spec"]!["containers"]![0]!["volumeMounts"] = JsonNode.Parse(
            """[{"name":"d","mountPath":"/sub-test/d","subPath":"a/b"},{"name":"m","mountPath":"/sub-test/m","subPath":"a/b"}]""");
        await node.CreateAsync(pod);

        Assert.Equal("done\n", await node.LogAsync("done\n"));
    }

    /// <summary>Kubernetes' own test: Variable Expansion, should allow substituting values in a volume subpath.</summary>
    [PrivilegedFact]
    public async Task SubPathExpr_IsThePathOfTheContainersVariables()
    {
        await using var node = await TestNode.StartAsync();
        var pod = Mounting("touch /sub-test/d/f; ls /sub-test/all/x-p1 && echo done; sleep 60", "/sub-test", """{"name":"d","emptyDir":{}}""");
        var container = pod["spec"]!["containers"]![0]!;
        container["env"] = JsonNode.Parse("""[{"name":"POD","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}]""");
        container["volumeMounts"] = JsonNode.Parse("""[{"name":"d","mountPath":"/sub-test/d","subPathExpr":"x-$(POD)"},{"name":"d","mountPath":"/sub-test/all"}]""");
        await node.CreateAsync(pod);

        Assert.Equal("f\ndone\n", await node.LogAsync("done\n"));
    }

    [Theory]
    [InlineData("$(NONE)/$(EMPTY)", "missing value for EMPTY, NONE; it is the subPathExpr $(NONE)/$(EMPTY) of the mount at /m")]
    [InlineData("$(ABSOLUTE)", "error SubPath `/a` must not be an absolute path; it is the subPathExpr $(ABSOLUTE) of the mount at /m")]
    [InlineData("x/$(OUT)", "unable to provision SubPath `x/../..`: must not contain '..'; it is the subPathExpr x/$(OUT) of the mount at /m")]
    [InlineData("$$(NONE)/$(GOOD)", "$(NONE)/b")]
    [InlineData("..x", "..x")]
    public void SubPathExpr_WithoutAValue_OrThatLeadsOut_IsRefused(string expression, string expected)
    {
        var container = new Container { VolumeMounts = [new() { Name = "v", MountPath = "/m", SubPathExpr = expression }, new() { Name = "w", MountPath = "/w", SubPath = "s" }] };
        var variables = new Dictionary<string, string> { ["EMPTY"] = "", ["ABSOLUTE"] = "/a", ["OUT"] = "../..", ["GOOD"] = "b" };
        try
        {
            var expanded = SubPaths.Expand(container, variables);
            Assert.Equal([expected, "s"], expanded.VolumeMounts.Select(m => m.SubPath));
        }
        catch (ContainerConfigException e)
        {
            Assert.Equal((expected, "CreateContainerConfigError"), (e.Message, e.Reason));
        }
    }

    // Another container of the pod may do so at any time: what was found when the start was prepared counts for nothing.
    [PrivilegedFact]
    public async Task SubPath_SwappedForALinkBeforeItIsMounted_StaysInTheVolume()
    {
        await using var node = new TestNode();
        var outside = Directory.CreateDirectory(Path.Combine(node.Data, "outside")).FullName;
        await File.WriteAllTextAsync(Directory.CreateDirectory(outside + "/b").FullName + "/secret", "");
        var spec = Mounting("", "/sub-test", """{"name":"v","emptyDir":{}}""");
        spec["spec"]!["containers"]![0]!["volumeMounts"]![0]!["subPath"] = "a/b";
        var pod = KubeObject.From(spec).As<Pod>();
        using var volumes = new PodVolumes(pod, node.Data, mountsAllowed: true, group: null);
        Directory.CreateDirectory(node.Data + "/v/a/b");
        var plan = new MountPlan
        {
            ImageRoot = node.Image, Scratch = Directory.CreateDirectory(node.Data + "/scratch").FullName, Base = node.Data + "/view",
            Binds = volumes.Prepare(pod.Spec.Containers[0], new VolumePayload(pod, null!, null!, null!, users: true), ownView: true),
        };
        ViewBase.Create(plan.Base);

        Directory.Move(node.Data + "/v/a", node.Data + "/v/before");
        File.CreateSymbolicLink(node.Data + "/v/a", outside);

        Assert.Empty(ProcessRuntime.OnOwnThread(() => Directory.GetFileSystemEntries(MountNamespace.Build(plan) + "/sub-test")));
        Assert.Equal([outside + "/b/secret"], Directory.GetFileSystemEntries(outside, "*", SearchOption.AllDirectories).Except([outside + "/b"]));
    }

    [Theory]
    [InlineData("a/b", false)]
    [InlineData("a", false)]
    [InlineData("b/a/c", true)]
    public async Task Way_WithALinkInIt_IsNotWalked(string way, bool make)
    {
        await using var node = new TestNode();
        var outside = Directory.CreateDirectory(Path.Combine(node.Data, "outside/b")).Parent!.FullName;
        foreach (var link in new[] { "/v/a", "/v/b/a" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(node.Data + link)!);
            File.CreateSymbolicLink(node.Data + link, outside);
        }

        Assert.False(PinnedPath.TryWalk(node.Data + "/v", way, make ? OpenDirectory.Mode : null, file: false, out var end));

        Assert.Null(end);
        Assert.Equal([outside + "/b"], Directory.GetFileSystemEntries(outside));
    }

    [Fact]
    public async Task Start_DirectoryOfPodsIsOpenToOthers_ClosesIt()
    {
        await using var node = new TestNode();
        var pods = Directory.CreateDirectory(Path.Combine(node.Data, "pods")).FullName;
        File.SetUnixFileMode(pods, (UnixFileMode)0x1ED);

        await node.Agent.StartAsync(CancellationToken.None);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(pods));
    }

    [Fact]
    public async Task Image_WithItsOwnLoader_IsTheRootOfItsContainer()
    {
        await using var node = await TestNode.StartAsync();
        node.AddShell();
        Directory.CreateDirectory(node.Image + "/app");
        await File.WriteAllTextAsync(
            node.Image + "/app/run", "#!/bin/sh\nbusybox ls /; pwd; echo x > /made && busybox cat /made; busybox cat /cfg-test/a.txt; echo; echo done\n");
        File.SetUnixFileMode(node.Image + "/app/run", (UnixFileMode)0x1ED);
        await node.CreateAsync(Kinds.ConfigMap, Settings);
        var pod = Mounting("", "/cfg-test", """{"name":"v","configMap":{"name":"c"}}""");
        var container = pod["spec"]!["containers"]![0]!.AsObject();
        container["command"] = new JsonArray { "/app/run" };
        container["workingDir"] = "/app";
        if (!await RunsAsync(node, pod))
        {
            return;
        }

        var log = await node.LogAsync("done\n");

        Assert.Equal("app\nbin\ncfg-test\ndev\netc\nproc\nsys\ntmp\n/app\nx\none\ndone\n", log);
        Assert.False(File.Exists(node.Image + "/made"));
    }

    [PrivilegedTheory]
    [InlineData("", "there", "")]
    [InlineData("", "new", "")]
    [InlineData("Directory", "there", "")]
    [InlineData("DirectoryOrCreate", "new/deep", "")]
    [InlineData("File", "file", "")]
    [InlineData("FileOrCreate", "new", "")]
    [InlineData("CharDevice", "../../dev/null", "")]
    [InlineData("Directory", "none", "none does not exist")]
    [InlineData("Directory", "file", "file is not of type Directory")]
    [InlineData("Socket", "file", "file is not of type Socket")]
    [InlineData("FileOrCreate", "new/deep", "new/deep cannot be made: ")]
    public async Task HostPath_IsOfTheTypeThatIsAskedFor(string type, string path, string refusal)
    {
        await using var node = await TestNode.StartAsync();
        Directory.CreateDirectory(node.Data + "/there");
        await File.WriteAllTextAsync(node.Data + "/file", "");
        await node.CreateAsync(Mounting(
            "if test -d /host-test; then echo x > /host-test/made; else echo x > /host-test; fi; echo done; sleep 60", "/host-test",
            $$"""{"name":"v","hostPath":{"path":"{{Path.GetFullPath(Path.Combine(node.Data, path))}}","type":"{{type}}"} }"""));

        if (refusal.Length > 0)
        {
            var pod = await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Waiting.Reason: "CreateContainerError" }]);
            Assert.Contains(refusal, pod.Status.ContainerStatuses[0].State.Waiting!.Message, StringComparison.Ordinal);
            return;
        }
        await node.LogAsync("done\n");
        var at = Path.Combine(node.Data, path);
        Assert.Equal(path.EndsWith("null", StringComparison.Ordinal) ? "" : "x\n", await File.ReadAllTextAsync(Directory.Exists(at) ? at + "/made" : at));
    }

    [PrivilegedFact]
    public async Task HostPath_WithoutItsSlash_IsTheMachines_AndASubPathIsMadeNoMoreOpen()
    {
        await using var node = await TestNode.StartAsync();
        var there = Directory.CreateDirectory(node.Data + "/there").FullName;
        File.SetUnixFileMode(there, (UnixFileMode)0x1E8); // rwxr-x---
        Directory.CreateSymbolicLink(node.Data + "/link", there);
        var pod = Mounting("echo x > /host-test/made; echo done; sleep 60", "/host-test", $$"""{"name":"v","hostPath":{"path":"{{node.Data[1..]}}/link"} }""");
        pod["spec"]!["containers"]![0]!["volumeMounts"]![0]!["subPath"] = "a/b";
        await node.CreateAsync(pod);

        await node.LogAsync("done\n");

        Assert.Equal("x\n", await File.ReadAllTextAsync(there + "/a/b/made"));
        Assert.All([there + "/a", there + "/a/b"], d => Assert.Equal((UnixFileMode)0x1E8, File.GetUnixFileMode(d)));
    }

    [PrivilegedFact]
    public async Task Image_AsAVolume_IsReadOnlyAndRunsNothing()
    {
        await using var node = await TestNode.StartAsync();
        await File.WriteAllTextAsync(node.Image + "/page", "words\n");
        await File.WriteAllTextAsync(node.Image + "/run", "#!/bin/sh\necho ran\n");
        File.SetUnixFileMode(node.Image + "/run", OpenDirectory.Mode);
        await node.CreateAsync(Mounting(
            "cat /img-test/page; /img-test/run || echo refused; echo x > /img-test/made || echo refused; echo done; sleep 60", "/img-test",
            """{"name":"v","image":{"reference":"test/pages:1"}}"""));

        var log = await node.LogAsync("done\n");

        Assert.Equal("words\nrefused\nrefused\ndone\n", string.Concat(log.Split('\n').Where(l => l is "words" or "ran" or "refused" or "done").Select(l => l + "\n")));
        Assert.False(File.Exists(node.Image + "/made"));
    }

    [PrivilegedTheory(users: true)]
    [InlineData("{}", "{}", "644 0 0")]
    [InlineData("""{"runAsUser":1234}""", "{}", "600 1234 0")]
    [InlineData("{}", """{"runAsUser":1234}""", "600 1234 0")]
    [InlineData("""{"fsGroup":77}""", "{}", "640 0 77")]
    [InlineData("""{"runAsUser":1234,"fsGroup":77}""", "{}", "640 1234 77")]
    [InlineData("""{"runAsUser":1234}""", """{"runAsUser":5}""", "644 0 0", true)] // two users: whoever is in the pod
    public async Task ServiceAccountToken_IsReadByWhoNeedsIt(string podContext, string context, string expected, bool other = false)
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(Kinds.ServiceAccount, Robot);
        var pod = Mounting(
            "stat -L -c '%a %u %g' /token-test/t; test -s /token-test/t && cat /token-test/t > /dev/null && echo done; sleep 60", "/token-test",
            """{"name":"v","projected":{"sources":[{"serviceAccountToken":{"path":"t"}}]}}""");
        var spec = pod["spec"]!;
        spec["serviceAccountName"] = "robot";
        spec["securityContext"] = JsonNode.Parse(podContext);
        spec["containers"]![0]!["securityContext"] = JsonNode.Parse(context);
        if (other)
        {
            spec["containers"]!.AsArray().Add(JsonNode.Parse("""{"name":"other","image":"x","command":["sleep","60"]}"""));
        }
        await node.CreateAsync(pod);

        Assert.Equal(expected + "\ndone\n", await node.LogAsync("done\n", container: "app"));
    }

    [PrivilegedFact]
    public async Task ServiceAccountToken_IsThePods_AndReplacedBeforeItEnds()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time);
        await node.CreateAsync(WithToken());
        await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Waiting: { Reason: "CreateContainerConfigError", Message: var m } }] && m.StartsWith("serviceaccount \"robot\" not found", StringComparison.Ordinal));
        await node.CreateAsync(Kinds.ServiceAccount, Robot);
        var first = Claims(await node.LogAsync("\n"));
        Assert.Equal(("api", "system:serviceaccount:default:robot"), ((string?)first["aud"]![0], (string?)first["sub"]));
        Assert.Equal(("u-7", "p1"), ((string?)first["kubernetes.io"]!["serviceaccount"]!["uid"], (string?)first["kubernetes.io"]!["pod"]!["name"]));

        time.Advance(TimeSpan.FromSeconds(480));

        var second = Claims((await node.LogAsync("done\n")).Split('\n')[1]);
        Assert.Equal((600, 480), ((long)second["exp"]! - (long)second["iat"]!, (long)second["iat"]! - (long)first["iat"]!));

        static JsonNode Claims(string token) => JsonNode.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(token.Split('.')[1]))!;
    }

    [PrivilegedFact]
    public async Task ServiceAccountToken_ShorterThanThatOfAnEarlierContainer_IsReplacedInItsOwnTime()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time);
        await node.CreateAsync(Kinds.ServiceAccount, Robot);
        var pod = WithToken();
        pod["spec"]!["initContainers"] = JsonNode.Parse(
            """[{"name":"first","image":"x","command":["sh","-c","true"],"volumeMounts":[{"name":"long","mountPath":"/long-test"}]}]""");
        pod["spec"]!["volumes"]!.AsArray().Add(JsonNode.Parse(
            """{"name":"long","projected":{"sources":[{"serviceAccountToken":{"path":"t","expirationSeconds":3600}}]}}"""));
        await node.CreateAsync(pod);
        await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Running: not null }]);
        await node.LogAsync("\n");

        time.Advance(TimeSpan.FromSeconds(480));

        await node.LogAsync("done\n");
    }

    [PrivilegedFact]
    public async Task ExecProbe_OfAContainerWithItsOwnRoot_SeesThatRootOnly()
    {
        await using var node = await TestNode.StartAsync();
        node.AddShell();
        await File.WriteAllTextAsync(
            node.Image + "/run", "#!/bin/sh\nprintf '#!/bin/sh\\nexit 0\\n' > /tool; busybox chmod +x /tool; echo up; exec busybox sleep 60\n");
        File.SetUnixFileMode(node.Image + "/run", (UnixFileMode)0x1ED);
        await node.CreateAsync(Probed("made-by-the-program", "/tool"));
        await node.CreateAsync(Probed("of-the-machine", "uname"));

        await node.WhenAsync(p => TestNode.Ready(p).Status == "True", "made-by-the-program");
        await node.WhenAsync(
            p => TestNode.Ready(p).Message.Contains("is not ready: \"uname\": executable file not found", StringComparison.Ordinal), "of-the-machine");

        static JsonObject Probed(string name, string command) => TestNode.Shell(
            "",
            c =>
            {
                c["command"] = new JsonArray { "/run" };
                c["readinessProbe"] = new JsonObject { ["exec"] = new JsonObject { ["command"] = new JsonArray { command } } };
            },
            p => p["metadata"]!["name"] = name);
    }

    [Fact]
    public async Task ExecProbe_SeesTheContainersMounts()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(Kinds.ConfigMap, Settings);
        var pod = Mounting("sleep 60", "/cfg-test", """{"name":"v","configMap":{"name":"c"}}""");
        pod["spec"]!["containers"]![0]!["readinessProbe"] = JsonNode.Parse("""{"exec":{"command":["cat","/cfg-test/a.txt"]}}""");
        if (!await RunsAsync(node, pod))
        {
            return;
        }

        await node.WhenSignalAsync(InstanceState.Ready);
    }

    [Fact]
    public async Task Mount_WithoutThePrivilege_IsRefusedWithTheReason()
    {
        await using var node = await TestNode.StartAsync(allowMounts: false);
        await node.CreateAsync(Kinds.ConfigMap, Settings);
        await node.CreateAsync(Mounting("true", "/cfg-test", """{"name":"v","configMap":{"name":"c"}}"""));

        var pod = await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Waiting.Reason: "CreateContainerConfigError" }]);

        Assert.StartsWith(
            "container \"app\" mounts volume \"v\" at /cfg-test, which needs the privilege CAP_SYS_ADMIN that Serval does not have here",
            pod.Status.ContainerStatuses[0].State.Waiting!.Message);
        Assert.Equal("Pending", pod.Status.Phase);
    }

    [Theory]
    [InlineData("""{"name":"v","nfs":{"server":"s","path":"/"}}""", "volume \"v\" is of type nfs, which this node does not support")]
    [InlineData("""{"name":"v","configMap":{"name":"gone"}}""", "configmap \"gone\" not found")]
    [InlineData("""{"name":"v","configMap":{"name":"c","items":[{"key":"a.txt","path":"../../escaped"}]}}""", "volume path \"../../escaped\" must be relative and must not contain '..'")]
    [InlineData("""{"name":"v","configMap":{"name":"c","items":[{"key":"a.txt","path":"/escaped"}]}}""", "volume path \"/escaped\" must be relative")]
    [InlineData("""{"name":"v","downwardAPI":{"items":[{"path":"../escaped","fieldRef":{"fieldPath":"metadata.name"}}]}}""", "volume path \"../escaped\" must be relative")]
    [InlineData("""{"name":"v","secret":{"secretName":"gone"}}""", "secret \"gone\" not found")]
    [InlineData("""{"name":"other","emptyDir":{}}""", "mounts volume \"v\", which the pod does not define")]
    public async Task Volume_ThatCannotBe_SaysWhy(string volume, string message)
    {
        await using var node = await TestNode.StartAsync(allowMounts: true);
        await node.CreateAsync(Kinds.ConfigMap, Settings);
        await node.CreateAsync(Mounting("true", "/cfg-test", volume));

        var pod = await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Waiting.Reason: "CreateContainerConfigError" }]);

        Assert.Contains(message, pod.Status.ContainerStatuses[0].State.Waiting!.Message);
    }

    // The umask is that of the file system context, which a thread can have to itself (unshare(2)).
    private static void Strictly(Action work) => ProcessRuntime.OnOwnThread(() =>
    {
        Assert.Equal(0, Libc.unshare(Libc.CLONE_FS));
        _ = Libc.syscall(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 166 : 95, 0x3F, 0); // umask 077
        work();
        return true;
    });

    [PrivilegedFact]
    public async Task AccountFiles_AreTheSameForEveryPod_AndReplacedBeforeTheTokenEnds()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time);
        node.AddShell();
        await node.CreateAsync(WithAccount("p1", "busybox sleep 60"));
        await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Waiting: { Reason: "CreateContainerConfigError" } }]);
        await node.CreateAsync(Kinds.ServiceAccount, Robot);
        await node.CreateAsync(Kinds.ConfigMap, """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"kube-root-ca.crt","namespace":"default"},"data":{"ca.crt":"root"}}""");
        var first = (await node.LogAsync("ro\n")).Split('\n');
        await node.CreateAsync(WithAccount("p2", "echo done"));
        var second = (await node.LogAsync("done\n", pod: "p2")).Split('\n');
        Assert.Equal(first[..2], second[..2]);
        Assert.Equal("default root", first[0]);

        time.Advance(TimeSpan.FromSeconds(3607 * 0.8));

        await node.CreateAsync(WithAccount("p3", "echo done"));
        Assert.NotEqual(first[1], (await node.LogAsync("done\n", pod: "p3")).Split('\n')[1]);
    }

    [PrivilegedFact]
    public async Task AccountFiles_GoWithTheirAccount()
    {
        await using var node = await TestNode.StartAsync();
        node.AddShell();
        await node.CreateAsync(Kinds.ServiceAccount, Robot);
        await node.CreateAsync(Kinds.ConfigMap, """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"kube-root-ca.crt","namespace":"default"},"data":{"ca.crt":"root"}}""");
        await node.CreateAsync(WithAccount("p1", "echo done; busybox sleep 60"));
        await node.LogAsync("done\n");
        var accounts = new NodePaths(node.Data).Accounts;
        Assert.Single(Directory.GetDirectories(accounts));

        await node.Kube.DeleteAsync(Kinds.ServiceAccount, new ObjectKey("default", "robot"), DeleteOptions.Background);

        Assert.Empty(Directory.GetDirectories(accounts));
    }

    [PrivilegedFact]
    public async Task AccountFiles_AreNotForProgramsOfTheMachine()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(WithAccount("p1", "ls $D; echo done", look: false));
        Assert.DoesNotContain("token", await node.LogAsync("done\n"), StringComparison.Ordinal);
    }

    private static JsonObject WithAccount(string name, string script, bool look = true)
    {
        var begin = look ? "echo $(busybox cat $D/namespace) $(busybox cat $D/ca.crt); busybox cat $D/token; echo; busybox touch $D/x || echo ro; " : "";
        var pod = TestNode.Shell($"D={AccountMount.Path}; busybox() {{ /bin/busybox \"$@\"; }}; {begin}{script}");
        pod["metadata"]!["name"] = name;
        pod["spec"]!["serviceAccountName"] = "robot";
        AccountMount.Add(pod, null, "abcde");
        return pod;
    }

    // Prints its token, and the next one when that is there.
    private static JsonObject WithToken()
    {
        var pod = Mounting(
            "first=$(cat /token-test/t); echo $first; until [ \"$(cat /token-test/t)\" != \"$first\" ]; do sleep 0.05; done; cat /token-test/t; echo; echo done",
            "/token-test", """{"name":"v","projected":{"sources":[{"serviceAccountToken":{"path":"t","audience":"api","expirationSeconds":600}}]}}""");
        pod["spec"]!["serviceAccountName"] = "robot";
        return pod;
    }

    private static JsonObject Mounting(string script, string path, string volume) => TestNode.Shell(
        script,
        c => c["volumeMounts"] = new JsonArray { new JsonObject { ["name"] = "v", ["mountPath"] = path } },
        p => p["spec"]!["volumes"] = new JsonArray { JsonNode.Parse(volume) });

    // Without the privilege these tests hold the refusal instead: a pod that needs a mount never runs without it.
    private static async Task<bool> RunsAsync(TestNode node, JsonObject pod)
    {
        await node.CreateAsync(pod);
        if (Capabilities.HasSysAdmin())
        {
            return true;
        }
        await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Waiting.Reason: "CreateContainerConfigError" }, ..]);
        return false;
    }
}
