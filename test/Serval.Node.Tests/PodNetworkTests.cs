using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Kube;
using Serval.Node.Network;
using Serval.Node.Processes;

namespace Serval.Node.Tests;

/// <summary>Pods with networks of their own. Where this process may not make them, each test sees that ports are mapped instead.</summary>
public sealed class PodNetworkTests
{
    private static bool Privileged => Capabilities.HasNetAdmin() && Capabilities.HasSysAdmin();

    [Fact]
    public async Task TwoPods_ProgramWithAFixedPort_BothListenOnIt()
    {
        await using var node = await TestNode.StartAsync(podNetwork: true);
        if (IsMapped(node))
        {
            return;
        }
        await node.CreateAsync(TestNode.Shell("echo port $PORT; exec busybox httpd -f -p 8080 -h /", TestNode.Port8080));
        await node.CreateAsync(TestNode.Shell("exec busybox httpd -f -p 8080 -h /", TestNode.Port8080, p => p["metadata"]!["name"] = "p2"));

        var first = await node.WhenAsync(p => TestNode.Ready(p).Status == "True");
        var second = await node.WhenAsync(p => TestNode.Ready(p).Status == "True", "p2");

        Assert.NotEqual(first.Status.PodIP, second.Status.PodIP);
        Assert.Null(first.Metadata.Annotation("serval.dev/ports"));
        Assert.Contains("port 8080\n", await node.LogAsync("port 8080\n"));
        foreach (var pod in new[] { first, second })
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Parse(pod.Status.PodIP), 8080);
        }
        var signal = await node.WhenSignalAsync(InstanceState.Ready);
        Assert.Equal(8080, signal.Ports[8080]);
        Assert.Contains(signal.Host, new[] { first.Status.PodIP, second.Status.PodIP });
    }

    [Fact]
    public async Task Pod_ListensOnItsLoopbackAlone_IsProbedAndReachedThere()
    {
        await using var node = await TestNode.StartAsync(podNetwork: true);
        if (IsMapped(node))
        {
            return;
        }
        await node.CreateAsync(TestNode.Shell("exec busybox httpd -f -p 127.0.0.1:8080 -h /proc/self", c =>
        {
            TestNode.Port8080(c);
            c["readinessProbe"] = new JsonObject { ["httpGet"] = new JsonObject { ["path"] = "/limits", ["port"] = 8080 } };
        }));

        var address = IPAddress.Parse((await node.WhenSignalAsync(InstanceState.Ready)).Host);

        using var outside = new TcpClient();
        var refused = await Assert.ThrowsAsync<SocketException>(() => outside.ConnectAsync(address, 8080));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        using var inside = node.Agent.OpenSocket(address);
        await inside!.ConnectAsync(IPAddress.Loopback, 8080);
        Assert.Null(node.Agent.OpenSocket(IPAddress.Parse("192.0.2.77")));
    }

    [Fact]
    public async Task Pod_ListensOnItsLoopbackAlone_WhereOthersCannotComeIn_IsReachedAtItsAddress()
    {
        await using var node = await TestNode.StartAsync(podNetwork: true, relaysLoopback: true);
        if (IsMapped(node))
        {
            return;
        }
        await node.CreateAsync(TestNode.Shell("exec busybox httpd -f -p 127.0.0.1:8080 -h /proc/self", TestNode.Port8080));

        var address = (await node.WhenSignalAsync(InstanceState.Ready)).Host;

        using var client = new TcpClient();
        await client.ConnectAsync(address, 8080);
        await client.GetStream().WriteAsync("GET /limits HTTP/1.0\r\n\r\n"u8.ToArray());
        using var reader = new StreamReader(client.GetStream());
        Assert.StartsWith("HTTP/1.1 200 OK", await reader.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pod_AsksForSysctls_HasThemInItsOwnNetwork_AndMayListenOnEveryPort()
    {
        var heard = new HeardEvents();
        await using var node = await TestNode.StartAsync(podNetwork: true, events: heard);
        await node.CreateAsync(TestNode.Shell(
            "cd /proc/sys/net/ipv4; busybox cat tcp_fin_timeout ip_unprivileged_port_start ping_group_range | busybox tr '\\t' ' '; echo done; sleep 60",
            pod: p => p["spec"]!["securityContext"] = JsonNode.Parse(
                """{"sysctls":[{"name":"net/ipv4/tcp_fin_timeout","value":"7"},{"name":"kernel.shm_rmid_forced","value":"1"}]}""")));

        var log = await node.LogAsync("done\n");

        if (!IsMapped(node))
        {
            Assert.Equal("7\n0\n0 2147483647\ndone\n", log);
            Assert.Contains(heard.Lines, l => l.StartsWith("Warning SysctlNotHonored Pod: The pod has no namespace of its own for sysctl kernel.shm_rmid_forced", StringComparison.Ordinal));
        }
        else
        {
            Assert.Contains(heard.Lines, l => l.StartsWith("Warning SysctlNotHonored Pod: The pod has no namespace of its own for sysctl net.ipv4.tcp_fin_timeout", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Relay_PassesBothEnds_UntilTheProgramHasEnded()
    {
        var directory = Directory.CreateTempSubdirectory("serval-net-").FullName;
        using var network = PodNetwork.TryStart(Options(directory), out _);
        if (network is null)
        {
            Assert.False(Privileged);
            return;
        }
        using var pod = await network.TakeAsync();
        using var program = pod.OpenSocket();
        program.Bind(new IPEndPoint(IPAddress.Loopback, 8080));
        program.Listen();
        var ended = new TaskCompletionSource();
        pod.Relay(8080, ended.Task, TimeProvider.System);
        pod.Relay(8080, ended.Task, TimeProvider.System); // each probe asks for it

        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(pod.Address, 8080);
        using var served = await program.AcceptAsync();
        await client.SendAsync("you"u8.ToArray());
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal("you", await ReadAsync(served));
        await served.SendAsync("heard"u8.ToArray());
        served.Close();
        Assert.Equal("heard", await ReadAsync(client));

        program.Close();
        await Assert.ThrowsAsync<SocketException>(() => pod.ConnectAsync(8080, default)); // a probe is not answered by the relay

        using var again = pod.OpenSocket();
        again.Bind(new IPEndPoint(IPAddress.Loopback, 8080));
        again.Listen();
        var endedAgain = new TaskCompletionSource();
        pod.Relay(8080, endedAgain.Task, TimeProvider.System); // before it is known that the first has ended
        ended.SetResult();
        using var other = await network.TakeAsync();
        using var neighbour = other.OpenSocket();
        var refused = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            await neighbour.ConnectAsync(pod.Address, 8080);
            await ReadAsync(neighbour);
        }); // the relay is not for pods
        Assert.Equal(SocketError.ConnectionReset, refused.SocketErrorCode);
        using var machine = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await machine.ConnectAsync(pod.Address, 8080);
        using var servedAgain = await again.AcceptAsync();

        again.Close();
        endedAgain.SetResult();
        using var next = pod.OpenSocket();
        await GoneAsync(() => TryBind(next, new IPEndPoint(IPAddress.Any, 8080)) ? null : "the relay"); // it hears of the end on a thread of its own
        next.Listen();
        pod.Relay(8080, new TaskCompletionSource().Task, TimeProvider.System); // not needed: it listens there itself
        using var direct = await pod.ConnectAsync(8080, default);
        using var accepted = await next.AcceptAsync();
        Assert.Equal(((IPEndPoint)direct.LocalEndPoint!).Port, ((IPEndPoint)accepted.RemoteEndPoint!).Port);
        Directory.Delete(directory, recursive: true);

        static bool TryBind(Socket socket, IPEndPoint place)
        {
            try
            {
                socket.Bind(place);
                return true;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                return false;
            }
        }

        static async Task<string> ReadAsync(Socket socket)
        {
            var (text, buffer) = ("", new byte[64]);
            while (await socket.ReceiveAsync(buffer) is > 0 and var length)
            {
                text += System.Text.Encoding.ASCII.GetString(buffer, 0, length);
            }
            return text;
        }
    }

    [Fact]
    public async Task Pod_ReachesTheMachine_AndSeesItsAddresses()
    {
        await using var node = await TestNode.StartAsync(podNetwork: true);
        if (IsMapped(node))
        {
            return;
        }
        using var machine = new TcpListener(IPAddress.Any, 0);
        machine.Start();
        var port = ((IPEndPoint)machine.LocalEndpoint).Port;
        await node.CreateAsync(TestNode.Shell(
            $"echo pod $POD on $HOST; busybox nc $HOST {port} </dev/null; echo ended; sleep 1000",
            c => c["env"] = new JsonArray { Field("POD", "status.podIP"), Field("HOST", "status.hostIP") }));

        using var caller = await machine.AcceptTcpClientAsync().WaitAsync(TimeSpan.FromSeconds(20));
        var pod = await node.WhenAsync(p => p.Status.PodIP.Length > 0);

        Assert.Equal(pod.Status.PodIP, ((IPEndPoint)caller.Client.RemoteEndPoint!).Address.ToString());
        Assert.Contains($"pod {pod.Status.PodIP} on ", await node.LogAsync(" on 1", "p1"));
    }

    [Fact]
    public async Task Exec_RunsInThePodsNetwork()
    {
        await using var node = await TestNode.StartAsync(podNetwork: true);
        if (IsMapped(node))
        {
            return;
        }
        await node.CreateAsync(TestNode.Shell("exec busybox httpd -f -p 127.0.0.1:8080 -h /", c => c["readinessProbe"] = new JsonObject
        {
            ["exec"] = new JsonObject { ["command"] = new JsonArray { "sh", "-c", "busybox nc 127.0.0.1 8080 </dev/null" } },
        }));

        await node.WhenAsync(p => TestNode.Ready(p).Status == "True");
    }

    [Fact]
    public async Task PodDeleted_ItsInterfaceGoes_AndTheNextPodHasAnotherAddress()
    {
        await using var node = await TestNode.StartAsync(podNetwork: true);
        if (IsMapped(node))
        {
            return;
        }
        await node.CreateAsync(TestNode.Shell("exec sleep 1000"));
        var first = (await node.WhenAsync(p => p.Status.Phase == "Running")).Status.PodIP;
        Assert.NotNull(InterfaceOf(first));
        await node.Kube.DeleteAsync(Kinds.Pod, new ObjectKey("default", "p1"), new DeleteOptions { GracePeriodSeconds = 0 });
        await node.WhenGoneAsync();
        await GoneAsync(() => InterfaceOf(first));

        await node.CreateAsync(TestNode.Shell("exec sleep 1000"));

        Assert.NotEqual(first, (await node.WhenAsync(p => p.Status.Phase == "Running")).Status.PodIP);
    }

    [Fact]
    public async Task AfterARunWithMappedPorts_TheAnnotationGoes()
    {
        if (!Privileged)
        {
            return;
        }
        await using var node = await TestNode.StartAsync(podNetwork: true);
        await node.CreateAsync(TestNode.Shell("exec busybox httpd -f -p 8080 -h /", TestNode.Port8080, p =>
            p["metadata"]!["annotations"] = new JsonObject { ["serval.dev/ports"] = """{"8080":20017}""" }));

        var pod = await node.WhenAsync(p => TestNode.Ready(p).Status == "True");

        Assert.Null(pod.Metadata.Annotation("serval.dev/ports"));
    }

    [Fact]
    public async Task Networks_OfTwoDirectories_LeaveEachOtherAlone_AndAreRemoved()
    {
        var (one, two) = (Directory.CreateTempSubdirectory("serval-net-").FullName, Directory.CreateTempSubdirectory("serval-net-").FullName);
        using var first = PodNetwork.TryStart(Options(one), out var reason);
        if (first is null)
        {
            Assert.False(Privileged, reason);
            Assert.Contains("CAP_NET_ADMIN", reason);
            return;
        }
        using (var second = PodNetwork.TryStart(Options(two), out _))
        {
            Assert.NotEqual(first.Gateway, second!.Gateway);
            var pod = await second.TakeAsync();
            Assert.True(second.Contains(pod.Address));
            Assert.False(first.Contains(pod.Address));
        }
        Assert.Single(Bridges(one));
        Assert.Empty(Bridges(two));
        first.Dispose();
        Assert.Empty(Bridges(one));
        Directory.Delete(one, recursive: true);
        Directory.Delete(two, recursive: true);
    }

    [Fact]
    public void Uplink_WithoutAPacketFilter_RoutesNoServices_AndSaysWhy()
    {
        var uplink = new Uplink(new Subnet(10, 244), directories: []) { Services = (IPNetwork.Parse("10.96.0.0/16"), new IPEndPoint(IPAddress.Loopback, 1)) };

        uplink.Open();

        Assert.Null(uplink.Services);
        Assert.NotEmpty(uplink.Unrouted);
        Assert.EndsWith(uplink.Unrouted, uplink.Description, StringComparison.Ordinal);
    }

    [Fact]
    public void RouteOfARange_IsAddedAndRemoved()
    {
        if (!Privileged)
        {
            return;
        }
        using var net = new Netlink();
        var subnet = Subnet.Candidates.Last(s => s.IsFree(net.Destinations()));
        var range = IPNetwork.Parse("198.18.0.0/16"); // RFC 2544
        net.AddBridge(subnet.Bridge, "serval test", subnet.Group);
        try
        {
            net.AddRoute(net.IndexOf(subnet.Bridge), range);
            Assert.False(Subnet.IsFree(range, net.Destinations()));
            net.RemoveRoute(net.IndexOf(subnet.Bridge), range);
            Assert.True(Subnet.IsFree(range, net.Destinations()));
        }
        finally
        {
            net.RemoveLink(net.IndexOf(subnet.Bridge));
        }
    }

    [Fact]
    public void Mark_OfARunThatHasEnded_IsToldFromAllOthers()
    {
        var word = $"serval {Guid.NewGuid():n}";

        Assert.True(NetworkMark.IsLeft($"{word} {RunStamp.Mine}0 /gone"));
        Assert.False(NetworkMark.IsLeft($"{word} {RunStamp.Mine} /mine"));
        Assert.False(NetworkMark.IsLeft($"{word} 1-{int.MaxValue}-3 /in/another/namespace"));
        Assert.False(NetworkMark.IsLeft($"{word} /of/an/earlier/version"));
        Assert.False(NetworkMark.IsLeft($"docker {Guid.NewGuid():n} {RunStamp.Mine}0 /gone"));
        Assert.False(NetworkMark.IsLeft(""));
    }

    [Fact]
    public void Mark_OfALongPath_FitsIntoAnAlias_AndIsKnownAgain()
    {
        var directory = Directory.CreateTempSubdirectory("serval-net-");
        var deep = directory.FullName + "/" + new string('ä', 120) + "/ü" + new string('ö', 119);

        var alias = new NetworkMark(deep).Renew();

        Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(alias), 200, 254);
        Assert.True(new NetworkMark(deep).Owns(alias));
        directory.Delete(recursive: true);
    }

    [Fact]
    public void Bridge_ThatCannotBeMarked_IsNotLeft()
    {
        if (!Privileged)
        {
            return;
        }
        using var net = new Netlink();

        Assert.Throws<NetlinkException>(() => net.AddBridge("svltest", new string('x', 300), group: 0x5374));

        Assert.Equal(0, net.IndexOf("svltest"));
    }

    [Fact]
    public async Task SetupLock_IsHeldByOneAtATime()
    {
        var inside = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            using var alone = SetupLock.Take();
            Assert.Equal(1, Interlocked.Increment(ref inside));
            Thread.SpinWait(1_000_000);
            Interlocked.Decrement(ref inside);
        })));
    }

    [Fact]
    public void Network_OfARunThatWasKilled_IsRemovedAtTheNextStart()
    {
        if (!Privileged)
        {
            return;
        }
        var directory = Directory.CreateTempSubdirectory("serval-net-").FullName;
        using var net = new Netlink();
        using var orphaned = ProcessRuntime.OnOwnThread(NetworkNamespace.Create);
        var subnet = Subnet.Candidates.Last(s => s.IsFree(net.Destinations()));
        net.AddBridge(subnet.Bridge, new NetworkMark(directory).Renew(), subnet.Group);
        net.AddUnreachable(subnet);
        net.AddPair(subnet.Interface(2), subnet.Group, orphaned.Descriptor);
        var left = subnet.Address(2);

        using var next = PodNetwork.TryStart(Options(directory), out var reason);

        Assert.True(next is not null, reason);
        Assert.Single(Bridges(directory));
        Assert.Null(InterfaceOf(left.ToString()));
        Assert.True(subnet.IsFree(net.Destinations()));
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task ManyAtOnce_EachGetsOne_AndNobodyAnAddressOfTheLastRun()
    {
        var directory = Directory.CreateTempSubdirectory("serval-net-").FullName;
        IPAddress[] avoided = [.. Subnet.Candidates.Select(s => s.Address(5))];
        using var network = PodNetwork.TryStart(Options(directory, avoided), out _);
        if (network is null)
        {
            Assert.False(Privileged);
            return;
        }

        var pods = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => network.TakeAsync().AsTask()));

        Assert.Equal(20, pods.Select(p => p.Address).Distinct().Count());
        Assert.Empty(pods.Select(p => p.Address).Intersect(avoided)); // a gateway may still know it as the old pod's
        Directory.Delete(directory, recursive: true);
    }

    [Theory]
    [InlineData("10.244.0.0", 16, false)]
    [InlineData("10.0.0.0", 8, false)]
    [InlineData("10.244.3.7", 32, false)]
    [InlineData("10.245.0.0", 16, true)]
    [InlineData("192.168.0.0", 16, true)]
    public void Subnet_ThatARouteLeadsInto_IsNotFree(string route, int prefix, bool free) =>
        Assert.Equal(free, new Subnet(10, 244).IsFree([(Subnet.Number(IPAddress.Parse(route)), prefix)]));

    /// <summary>The name server of a machine is often behind its default route: a network of pods over it would take the machine's names away.</summary>
    [Fact]
    public void Subnet_WithTheMachinesNameServer_IsNotFree() => Assert.Equal(
        [new Subnet(10, 246), new Subnet(10, 248)],
        Subnet.Free(() => [(Subnet.Number(new Subnet(10, 247).Base), 16)], ["10.244.0.53", "fd00::53", "10.245.255.53"]).Take(2));

    [Fact]
    public void Subnet_IsFoundByTheNameOfItsBridge()
    {
        Assert.All(Subnet.Candidates, s => Assert.Equal(s, Subnet.Parse(s.Bridge)));
        Assert.All(Subnet.Candidates, s => Assert.True(s.Interface(ushort.MaxValue).Length <= 15)); // IFNAMSIZ
        Assert.Null(Subnet.Parse("svl0"));
        Assert.Null(Subnet.Parse("docker0"));
    }

    // The machine says whether it can; then the node must have said why not.
    private static bool IsMapped(TestNode node)
    {
        var condition = node.Kube.Cache(Kinds.Node).Get(ObjectKey.Cluster("node-1"))!.ToTree()["status"]!["conditions"]!.AsArray()
            .Single(c => (string)c!["type"]! == "PodNetwork")!;
        Assert.Equal(Privileged ? "True" : "False", (string)condition["status"]!);
        Assert.Contains(Privileged ? "network of its own" : "CAP_NET_ADMIN", (string)condition["message"]!);
        return !Privileged;
    }

    private static PodNetworkOptions Options(string directory, params IPAddress[] avoided) => new()
    {
        Directory = directory, Avoided = avoided, Time = TimeProvider.System, Logger = NullLogger.Instance,
    };

    private static JsonObject Field(string name, string path) => new()
    {
        ["name"] = name, ["valueFrom"] = new JsonObject { ["fieldRef"] = new JsonObject { ["fieldPath"] = path } },
    };

    private static IEnumerable<LinkInfo> Bridges(string directory)
    {
        using var net = new Netlink();
        return net.Links().Where(l => l.Alias.EndsWith(" " + directory, StringComparison.Ordinal));
    }

    private static string? InterfaceOf(string address)
    {
        var bytes = IPAddress.Parse(address).GetAddressBytes();
        var name = new Subnet(bytes[0], bytes[1]).Interface((ushort)((bytes[2] << 8) | bytes[3]));
        using var net = new Netlink();
        return net.IndexOf(name) > 0 ? name : null;
    }

    // The kernel removes a namespace on its own time, and tells nobody who is outside.
    private static async Task GoneAsync(Func<string?> there)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (there() is not null)
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, limit.Token);
        }
    }
}
