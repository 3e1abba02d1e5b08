using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Images;
using Serval.Node.Containers;
using Serval.Node.Processes;
using Serval.Node.Resources;

namespace Serval.Node.Tests;

/// <summary>Requests and limits, as numbers for the kernel and as a program finds them.</summary>
public sealed class ControlGroupTests
{
    [Theory]
    [InlineData("""{}""", "", "")]
    [InlineData("""{"limits":{"ephemeral-storage":"1Gi"}}""", "", "")]
    [InlineData("""{"requests":{"memory":"1Gi"}}""", "", "")]
    [InlineData("""{"requests":{"cpu":"125m"}}""", "cpu/cpu.shares=128", "/cpu.weight=5")]
    [InlineData("""{"requests":{"cpu":"1m"}}""", "cpu/cpu.shares=2", "/cpu.weight=1")]
    [InlineData("""{"requests":{"cpu":"1000"}}""", "cpu/cpu.shares=262144", "/cpu.weight=10000")]
    [InlineData("""{"limits":{"cpu":1}}""", "cpu/cpu.shares=1024 cpu/cpu.cfs_period_us=100000 cpu/cpu.cfs_quota_us=100000", "/cpu.weight=39 /cpu.max=100000 100000")]
    [InlineData("""{"limits":{"cpu":"1m"},"requests":{"cpu":"1m"}}""", "cpu/cpu.shares=2 cpu/cpu.cfs_period_us=100000 cpu/cpu.cfs_quota_us=1000", "/cpu.weight=1 /cpu.max=1000 100000")]
    [InlineData("""{"limits":{"memory":"128Mi"}}""", "memory/memory.limit_in_bytes=134217728 memory/memory.memsw.limit_in_bytes=134217728?", "/memory.max=134217728 /memory.swap.max=0? /memory.oom.group=1?")]
    public void Resources_AsTheKernelTakesThem(string resources, string version1, string version2)
    {
        var pod = KubeObject.Parse(System.Text.Encoding.UTF8.GetBytes(
            """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","resources":""" + resources + "}]}}")).As<Pod>();

        var limits = GroupLimits.Of(pod.Spec.Containers[0]);

        Assert.Equal(version1, Text(limits.Version1()));
        Assert.Equal(version2, Text(limits.Version2()));
    }

    [Fact]
    public void Groups_OfVersion1_AreBelowServalsOwnAndSwept()
    {
        using var machine = new Machine("cpu,cpuacct/own", "memory/other");
        File.CreateSymbolicLink(machine.At("cpu"), "cpu,cpuacct");
        machine.Write("self", "5:cpu,cpuacct:/own\n4:memory:/not/mounted/here\n0::/\n");
        string Left(string data, string stamp) => Directory.CreateDirectory(machine.At($"cpu/own/{ControlGroups.Prefix(data)}{stamp}/7-1")).Parent!.FullName;
        var dead = new[] { Left("/data", RunStamp.Mine + "0"), Left("/others", RunStamp.Mine + "1") };
        var living = new[] { Left("/others", RunStamp.Mine), Left("/data", "1-2-3"), Directory.CreateDirectory(machine.At("cpu/own/serval-mine")).FullName };

        using var groups = machine.Start();
        using var group = groups!.Create(new GroupLimits(128, 5000, 4096));

        Assert.All(dead, d => Assert.False(Directory.Exists(d)));
        Assert.All(living, d => Assert.True(Directory.Exists(d)));
        Assert.Equal(machine.At("cpu/own"), Path.GetDirectoryName(Path.GetDirectoryName(group.Directories["cpu"])));
        Assert.Equal(machine.At("memory"), Path.GetDirectoryName(Path.GetDirectoryName(group.Directories["memory"])));
        Assert.Equal("128", File.ReadAllText(group.Directories["cpu"] + "/cpu.shares"));
        Assert.Equal("5000", File.ReadAllText(group.Directories["cpu"] + "/cpu.cfs_quota_us"));
        Assert.Equal("4096", File.ReadAllText(group.Directories["memory"] + "/memory.limit_in_bytes"));
        Assert.False(File.Exists(group.Directories["memory"] + "/memory.memsw.limit_in_bytes")); // a kernel without swap accounting lacks it
    }

    [Fact]
    public void Groups_OfVersion2_HandTheControllersOn()
    {
        using var machine = new Machine("");
        machine.Write("cgroup.controllers", "cpu io memory");
        machine.Write("self", "0::/\n");

        using var groups = machine.Start();
        using var group = groups!.Create(new GroupLimits(128, 5000, 4096));

        Assert.Equal(machine.At(ControlGroups.Prefix("/data") + RunStamp.Mine), Path.GetDirectoryName(group.Unified));
        Assert.Equal("+cpu +memory", File.ReadAllText(machine.At("cgroup.subtree_control")));
        Assert.Equal("+cpu +memory", File.ReadAllText(Path.GetDirectoryName(group.Unified) + "/cgroup.subtree_control"));
        Assert.Equal("5000 100000", File.ReadAllText(group.Unified + "/cpu.max"));
        Assert.Equal("5", File.ReadAllText(group.Unified + "/cpu.weight"));
        Assert.Equal("4096", File.ReadAllText(group.Unified + "/memory.max"));
    }

    [Theory]
    [InlineData("oom_kill 0\n", false)]
    [InlineData("oom 1\noom_kill 1\noom_group_kill 0\n", true)]
    public void Group_OutOfMemory_IsWhatTheKernelCounts(string events, bool expected)
    {
        using var machine = new Machine("");
        machine.Write("cgroup.controllers", "cpu memory");
        using var groups = machine.Start();
        using var group = groups!.Create(new GroupLimits(null, null, 4096));
        File.WriteAllText(group.Unified + "/memory.events", events);

        Assert.Equal(expected, group.RanOutOfMemory());
    }

    [Theory]
    [InlineData(null, true, true)] // version 2, new C library
    [InlineData(0, true, true)]
    [InlineData(1000, true, false)] // the kernel would ask whether that user may write there
    [InlineData(null, false, false)]
    public void Door_OfVersion2_IsOpenedBeforeAndFitsTheUser(int? uid, bool canStart, bool starts)
    {
        using var machine = new Machine("");
        machine.Write("cgroup.controllers", "cpu memory");
        using var groups = machine.Start();
        using var group = groups!.Create(new GroupLimits(null, null, 4096));
        var processes = group.Unified + "/cgroup.procs";
        File.WriteAllText(processes, "");

        using var door = group.OpenDoor(uid is { } id ? new ContainerUser((uint)id, 5, [], "/") : null, canStart);
        File.Move(processes, machine.At("moved")); // another view: the path leads nowhere
        door.Enter();
        door.Add(42);

        Assert.Equal(starts, door.Directory >= 0);
        Assert.Equal(starts ? "" : "42", File.ReadAllText(machine.At("moved")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Door_ThatCannotBeOpened_IsNoSpawn(bool canStart)
    {
        using var machine = new Machine("");
        machine.Write("cgroup.controllers", "cpu memory");
        using var groups = machine.Start();
        using var group = groups!.Create(new GroupLimits(null, null, 4096));
        Directory.Delete(group.Unified!, recursive: true);

        var refused = Assert.Throws<SpawnException>(() => group.OpenDoor(null, canStart));
        Assert.StartsWith($"cannot open control group {group.Unified}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Groups_OfVersion2_StayWhereTheyAreWhenControllersCannotBeHandedOn()
    {
        using var machine = new Machine("");
        machine.Write("cgroup.controllers", "cpu memory");
        machine.Write("self", "0::/\n");
        File.CreateSymbolicLink(machine.At("cgroup.subtree_control"), "/dev/full");

        Assert.Null(machine.Start());
        Assert.False(Directory.Exists(machine.At("serval")));
    }

    [Fact]
    public void Serval_ThatSteppedAsideInVain_GoesBack()
    {
        using var machine = new Machine("own");
        machine.Write("self", "1:name=systemd:/\n0::/own\n");

        Assert.Throws<IOException>(() => ControlGroups.StepAside(machine.At(""), machine.At("self"), () =>
        {
            Assert.False(File.Exists(machine.At("own/cgroup.procs")));
            Assert.Equal("0", File.ReadAllText(machine.At("serval/cgroup.procs")));
            File.Delete(machine.At("serval/cgroup.procs")); // the kernel's files do not keep a directory
            throw new IOException("busy all the same");
        }));

        Assert.Equal("0", File.ReadAllText(machine.At("own/cgroup.procs")));
        Assert.False(Directory.Exists(machine.At("serval")));
    }

    [Theory]
    [InlineData(false, 2, 2048)]
    [InlineData(false, 64, 65536)]
    [InlineData(false, 512, 262144)]
    [InlineData(true, 64, 6400)]
    [InlineData(true, 512, 10000)]
    public void Weight_OfAllContainers_GrowsWithTheCores(bool unified, int cores, int expected) =>
        Assert.Equal(expected, ControlGroups.Weight(unified, cores));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("cpu io pids\n")]
    [InlineData("cpuset memory\n")]
    public void Groups_WithoutBothControllers_SayWhy(string? controllers)
    {
        using var machine = new Machine("");
        if (controllers is not null)
        {
            machine.Write("cgroup.controllers", controllers);
        }

        Assert.Null(ControlGroups.TryStart("/data", TimeProvider.System, out var reason, machine.At(""), machine.At("self")));
        Assert.StartsWith("no control groups for cpu and memory are mounted at ", reason, StringComparison.Ordinal);
    }

    [GroupsFact]
    public async Task Program_FindsItsLimits_AndCannotChangeThem()
    {
        await using var node = await TestNode.StartAsync();
        node.AddShell();
        node.Config = new ImageConfig { Env = ["PATH=/bin"] };
        await node.CreateAsync(Limited(
            "cd /sys/fs/cgroup; for f in memory.max memory/memory.limit_in_bytes; do test -e $f && busybox cat $f && echo 1 > $f; done; echo end; exec busybox sleep 60",
            """{"limits":{"memory":"32Mi","cpu":"500m"}}"""));

        var log = await node.LogAsync("end\n");

        Assert.StartsWith("33554432\n", log, StringComparison.Ordinal);
        Assert.Contains("Read-only file system", log, StringComparison.Ordinal);
    }

    [GroupsFact]
    public async Task Groups_OfContainers_GoWithThem()
    {
        var node = await TestNode.StartAsync();
        await node.CreateAsync(Limited("echo up; setsid sleep 1000 & sleep 1000", """{"limits":{"memory":"32Mi","cpu":"500m"}}"""));
        await node.LogAsync("up\n");
        var parents = Directory.GetDirectories("/sys/fs/cgroup", ControlGroups.Prefix(node.Data) + "*", new EnumerationOptions { RecurseSubdirectories = true });
        Assert.All(parents, p => Assert.Single(Directory.GetDirectories(p)));
        Assert.NotEmpty(parents);

        await node.DisposeAsync();

        Assert.All(parents, p => Assert.False(Directory.Exists(p), p));
    }

    [GroupsFact]
    public async Task Program_ThatUsesMoreMemoryThanItsLimit_IsOomKilled()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(Limited("echo before; exec busybox tail -c 100m /dev/zero", """{"limits":{"memory":"16Mi"}}""", "Never"));

        var pod = await node.WhenAsync(p => p.Status.Phase == "Failed");

        var end = pod.Status.ContainerStatuses[0].State.Terminated!;
        Assert.Equal((137, "OOMKilled"), (end.ExitCode, end.Reason));
    }

    [GroupsFact]
    public async Task Program_ThatStaysBelowItsLimit_EndsAsItLikes()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(Limited("busybox head -c 1m /dev/zero | busybox tail -c 1 >/dev/null; kill -9 $$$$", """{"limits":{"memory":"16Mi"}}""", "Never"));

        var pod = await node.WhenAsync(p => p.Status.Phase == "Failed");

        var end = pod.Status.ContainerStatuses[0].State.Terminated!;
        Assert.Equal((137, "Error"), (end.ExitCode, end.Reason));
    }

    private static JsonObject Limited(string script, string resources, string restart = "Always") => TestNode.Shell(
        script, c => c["resources"] = JsonNode.Parse(resources), p => p["spec"]!["restartPolicy"] = restart);

    private static string Text(IEnumerable<GroupSetting> settings) =>
        string.Join(' ', settings.Select(s => $"{s.Controller}/{s.File}={s.Value}{(s.Optional ? "?" : "")}"));

    /// <summary>Directories that look like the kernel's.</summary>
    private sealed class Machine : IDisposable
    {
        private readonly string _root = Directory.CreateTempSubdirectory("serval-groups-").FullName;

        public Machine(params string[] groups) => Array.ForEach(groups, g => Directory.CreateDirectory(At(g)));

        public string At(string path) => Path.Combine(_root, path);

        public void Write(string path, string text) => File.WriteAllText(At(path), text);

        public ControlGroups? Start() => ControlGroups.TryStart("/data", TimeProvider.System, out _, _root, At("self"));

        public void Dispose() => Directory.Delete(_root, recursive: true);
    }
}

/// <summary>A test on the machine's control groups. Skipped, saying why, where they are not to be had.</summary>
internal sealed class GroupsFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> s_refusal = new(static () =>
    {
        using var groups = ControlGroups.TryStart("/serval-tests", TimeProvider.System, out var reason);
        return groups is null ? reason : Privileged.Refusal(users: false);
    });

    public GroupsFactAttribute() => Skip = s_refusal.Value;
}
