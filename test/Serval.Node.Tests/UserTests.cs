using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Images;
using Serval.Node.Containers;
using Serval.Node.Processes;

namespace Serval.Node.Tests;

/// <summary>Whom containers run as. Where this process may not choose, the tests hold that it is told.</summary>
public sealed class UserTests
{
    [Theory]
    [InlineData("""{"runAsUser":1234}""", "{}", "", "1234 0 0")]
    [InlineData("""{"runAsUser":1234,"runAsGroup":55,"supplementalGroups":[7,8],"fsGroup":9}""", "{}", "", "1234 55 55 7 8 9")]
    [InlineData("""{"runAsUser":1234,"runAsNonRoot":true}""", """{"runAsUser":99,"runAsGroup":98}""", "", "99 98 98")]
    [InlineData("{}", "{}", "77:66", "77 66 66")]
    [InlineData("""{"runAsNonRoot":true}""", "{}", "77", "77 0 0")]
    [InlineData("{}", "{}", "app", "501 502 502 503")]
    [InlineData("{}", "{}", "app:more", "501 503 503")]
    [InlineData("""{"runAsUser":501}""", "{}", "77:66", "501 502 502 503")]
    [InlineData("""{"runAsUser":1000,"runAsNonRoot":true}""", "{}", "", "1000 0 0")]
    [InlineData("""{"runAsNonRoot":true}""", "{}", "1000:1000", "1000 1000 1000")]
    public async Task Program_RunsAsAsked(string pod, string container, string image, string expected)
    {
        var heard = new HeardEvents();
        await using var node = await TestNode.StartAsync(events: heard);
        Directory.CreateDirectory(node.Image + "/etc");
        await File.WriteAllTextAsync(node.Image + "/etc/passwd", "root:x:0:0::/root:/bin/sh\n1000:x:0:0::/root:/bin/sh\napp:x:501:502::/home/app:/bin/sh\n");
        await File.WriteAllTextAsync(node.Image + "/etc/group", "app:x:502:\nmore:x:503:app\n1000:x:0:1000\n");
        node.Config = new ImageConfig { User = image };

        await node.CreateAsync(Secured("echo $(id -u) $(id -g) $(id -G) done; sleep 60", pod, container));

        if (Privileged.Users)
        {
            Assert.Equal(expected + " done\n", await node.LogAsync("done\n"));
        }
        else
        {
            var refused = Libc.geteuid() == 0 && pod.Contains("runAsNonRoot", StringComparison.Ordinal);
            await heard.WhenAsync(refused ? "Error: container has runAsNonRoot" : "Warning UserNotHonored");
        }
    }

    [PrivilegedFact(users: true)]
    public async Task Program_OfTheImage_SeesTheImageAsItsRootAndKeepsNoCapability()
    {
        await using var node = await TestNode.StartAsync();
        node.AddShell();
        await node.CreateAsync(Secured(
            "busybox grep -E '^(Uid|CapPrm|CapEff|CapAmb)' /proc/self/status; echo $HOME; busybox touch /made || echo kept; echo done >> /dev/stdout; sleep 60",
            """{"runAsUser":1234}"""));

        var log = await node.LogAsync("done\n");

        const string none = "0000000000000000";
        Assert.StartsWith($"Uid:\t1234\t1234\t1234\t1234\nCapPrm:\t{none}\nCapEff:\t{none}\nCapAmb:\t{none}\n/\n", log);
        Assert.EndsWith("kept\ndone\n", log);
    }

    [PrivilegedFact(users: true)]
    public async Task Probe_RunsAsTheContainersUser_AndTheAgentStaysRoot()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(Secured("sleep 60", """{"runAsUser":1234}""", more: c =>
            c["readinessProbe"] = JsonNode.Parse("""{"exec":{"command":["sh","-c","test $(id -u) = 1234"]}}""")));

        await node.WhenAsync(p => TestNode.Ready(p).Status == "True");

        Assert.Contains("Uid:\t0\t0\t0\t0", await File.ReadAllTextAsync("/proc/self/status"));
        Assert.Contains("Uid:\t0\t0\t0\t0", await File.ReadAllTextAsync("/proc/thread-self/status"));
    }

    [PrivilegedTheory(users: true)]
    [InlineData("busybox ln -s /usr /app/dir", "No such file or directory")] // a directory of the machine, not of the image
    [InlineData("busybox ln -s /proc/$PPID/root /app/dir", "Operation not permitted")] // Serval's root, which it does not even see
    [InlineData("busybox mkfifo /app/dir", "Not a directory")]
    public async Task Probe_WorkingDirectoryWasReplaced_DoesNotStartInIt(string replace, string refusal)
    {
        await using var node = await TestNode.StartAsync();
        node.AddShell();
        Directory.CreateDirectory(node.Image + "/app/dir");
        File.SetUnixFileMode(node.Image + "/app", (UnixFileMode)0x1FF);
        await node.CreateAsync(Secured($"cd /; busybox rmdir /app/dir; {replace}; sleep 60", """{"runAsUser":1234}""", more: c =>
        {
            c["workingDir"] = "/app/dir";
            c["readinessProbe"] = JsonNode.Parse("""{"exec":{"command":["sh","-c","echo inside; exit 1"]}}""");
        }));

        await node.WhenAsync(p => TestNode.Ready(p).Message.Contains(refusal, StringComparison.Ordinal));
    }

    [PrivilegedFact(users: true)]
    public async Task Program_WorkingDirectoryBelowAClosedOne_StartsThere()
    {
        await using var node = await TestNode.StartAsync();
        node.AddShell();
        Directory.CreateDirectory(node.Image + "/closed/dir");
        File.SetUnixFileMode(node.Image + "/closed", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await node.CreateAsync(Secured("busybox readlink /proc/self/cwd; echo done; sleep 60", """{"runAsUser":1234}""", more: c => c["workingDir"] = "/closed/dir"));

        Assert.Equal("/closed/dir\ndone\n", await node.LogAsync("done\n"));
    }

    [PrivilegedFact(users: true)]
    public async Task FsGroup_OwnsTheFilesOfVolumes()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(Kinds.Secret, """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"default"},"data":{"a":"aHVzaA=="}}""");
        var pod = Secured(
            "cat /sec-test/a; echo; touch /dir-test/x; stat -c '%a %g' /dir-test /dir-test/x; stat -L -c '%a %g' /sec-test/a; stat -c '%a %g' /mem-test; echo done; sleep 60",
            """{"runAsUser":1234,"fsGroup":4321}""", more: c => c["volumeMounts"] = JsonNode.Parse(
                """[{"name":"s","mountPath":"/sec-test"},{"name":"d","mountPath":"/dir-test"},{"name":"m","mountPath":"/mem-test"}]"""));
        pod["spec"]!["volumes"] = JsonNode.Parse(
            """[{"name":"s","secret":{"secretName":"s","defaultMode":256}},{"name":"d","emptyDir":{}},{"name":"m","emptyDir":{"medium":"Memory"}}]""");
        await node.CreateAsync(pod);

        Assert.Equal("hush\n2777 4321\n644 4321\n440 4321\n3777 4321\ndone\n", await node.LogAsync("done\n"));
    }

    [PrivilegedTheory(users: true)]
    [InlineData("""{"runAsNonRoot":true,"runAsUser":0}""", "", "container's runAsUser breaks non-root policy (pod: \"p1_default(")]
    [InlineData("""{"runAsNonRoot":true}""", "", "container has runAsNonRoot and image will run as root (pod: \"p1_default(")]
    [InlineData("""{"runAsNonRoot":true}""", "0:5", "container has runAsNonRoot and image will run as root (pod: \"p1_default(")]
    [InlineData("""{"runAsNonRoot":true}""", "app", "container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root (pod: \"p1_default(")]
    public async Task NonRoot_WouldRunAsRoot_IsRefused(string pod, string image, string message)
    {
        await using var node = await TestNode.StartAsync();
        node.Config = new ImageConfig { User = image };
        await node.CreateAsync(Secured("true", pod));

        var refused = await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Waiting.Reason: "CreateContainerConfigError" }]);

        Assert.StartsWith(message, refused.Status.ContainerStatuses[0].State.Waiting!.Message);
    }

    [Fact]
    public async Task User_CannotBeHonoured_IsToldOnce()
    {
        var heard = new HeardEvents();
        await using var node = await TestNode.StartAsync(allowMounts: false, events: heard);
        await node.CreateAsync(Secured("exit 3", """{"runAsUser":1234,"fsGroup":5}"""));

        await node.WhenAsync(p => p.Status.ContainerStatuses is [{ RestartCount: 1 }]);

        Assert.Equal(
            ["Warning UserNotHonored spec.containers{app}: Container app runs as Serval's own user, not with runAsUser 1234, fsGroup 5: run Serval as root with all capabilities to have that honored"],
            heard.Lines.Where(l => l.Contains("Honored", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("root", 0, "")]
    [InlineData("app:app", 501, "")]
    [InlineData("", 501, "")]
    [InlineData("app", 0, "the image's user app")]
    [InlineData("unknown", 0, "the image's user unknown")]
    public async Task NotHonoured_TheImagesUserByName_IsWhoItIs(string user, uint runsAs, string told)
    {
        await using var node = new TestNode();
        Directory.CreateDirectory(node.Image + "/etc");
        await File.WriteAllTextAsync(node.Image + "/etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:501:502::/home/app:/bin/sh\n");

        Assert.Equal(told, ContainerUser.NotHonoured(new Pod(), new Container(), new ImageRoot("", node.Image, new ImageConfig { User = user }), runsAs));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1L << 32)]
    public void RunAsUser_NoUser_IsRefused(long id)
    {
        var pod = new Pod { Spec = new PodSpec { SecurityContext = new PodSecurityContext { RunAsUser = id } } };

        Assert.Throws<ContainerConfigException>(() => ContainerUser.Resolve(pod, new Container(), new ImageRoot("", "/", new ImageConfig())));
    }

    [Theory]
    [InlineData(5, 0u, true)]
    [InlineData(5, 1000u, false)]
    [InlineData(0, 1000u, true)]
    public void NonRoot_WhereAllRunAsOne_CountsThatOne(long runAsUser, uint runsAs, bool refused)
    {
        var pod = new Pod { Spec = new PodSpec { SecurityContext = new PodSecurityContext { RunAsNonRoot = true, RunAsUser = runAsUser } } };

        var refusal = Record.Exception(() => ContainerUser.VerifyNonRoot(pod, new Container(), new ImageRoot("", "/", new ImageConfig()), runsAs));

        Assert.Equal(refused, refusal is ContainerConfigException { Reason: "CreateContainerConfigError" });
    }

    private static JsonObject Secured(string script, string pod, string container = "{}", Action<JsonObject>? more = null) => TestNode.Shell(
        script,
        c =>
        {
            c["securityContext"] = JsonNode.Parse(container);
            more?.Invoke(c);
        },
        p => p["spec"]!["securityContext"] = JsonNode.Parse(pod));
}
