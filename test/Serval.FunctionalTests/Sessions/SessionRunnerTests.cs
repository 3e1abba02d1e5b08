namespace Serval.FunctionalTests.Sessions;

/// <summary>Sessions that must fail, do, and say where and why.</summary>
public sealed class SessionRunnerTests
{
    [Theory]
    [InlineData("$ echo a\na")]
    [InlineData("$ echo a; echo; echo b; echo\na\n\nb\n\n\n")]
    [InlineData("$ echo 'a      b'\na  b")]
    [InlineData("$ printf 'a \\tb'\na  b")]
    [InlineData("$ cat <<E\n> a\n> E\na")]
    [InlineData("$ echo x >&2; exit 3\n! x\n= 3")]
    [InlineData("$ echo here: $NS\nhere: $NS")]
    [InlineData("$ echo pod-x2b4c-9zz 12s 10.0.0.7\npod-<hash> <age> <ip>")]
    [InlineData("$ seq 9\n1\n<...>\n9")]
    [InlineData("32| $ no-such-program\n36| $ echo a\n36| a\n32| b")]
    public async Task Session_AsExpected_SaysNothing(string script) => Assert.Equal("", await RunAsync(script));

    [Theory]
    [InlineData("$ echo a\nb")]
    [InlineData("$ echo a")]
    [InlineData("$ true\na")]
    [InlineData("$ echo a; echo b\na")]
    [InlineData("$ echo a\na\nb")]
    [InlineData("$ echo aXb\na.b")]
    [InlineData("$ echo '  a'\na")]
    [InlineData("$ exit 3")]
    [InlineData("$ true\n= 3")]
    [InlineData("$ echo x >&2")]
    [InlineData("$ echo x\n! x")]
    [InlineData("$ echo 10.0.0.x\n<ip>")]
    [InlineData("$ echo '<invalid>'\n<age>")]
    [InlineData("$ seq 9\n1\n<...>\n8")]
    public async Task Session_OtherThanExpected_IsTold(string script) => Assert.NotEqual("", await RunAsync(script));

    [Fact]
    public async Task Failure_SaysLineExpectedAndGot() => Assert.Equal(
        """

        x.session:3
        $ echo got; echo why >&2; exit 4
        --- expected
        wanted <age>
        ! because
        --- got
        got
        ! why
        = 4

        """,
        await RunAsync("$ true\n# what is wrong\n$ echo got; echo why >&2; exit 4\nwanted <age>\n! because\n"));

    [Theory]
    [InlineData("v32", "one\ntwo")]
    [InlineData("v36", "one\nE1122 20:16:57.378864   18327 websocket.go:296] Unknown stream id 1, discarding message\ntwo")]
    public void RaceOfAnOlderKubectl_IsNotHeard(string version, string heard) => Assert.Equal(
        heard, SessionShell.WithoutRace("one\nE1122 20:16:57.378864   18327 websocket.go:296] Unknown stream id 1, discarding message\ntwo", version));

    [Fact]
    public void Script_WithALineBeforeItsFirstCommand_IsRefused() => Assert.Throws<FormatException>(() => SessionScript.Read(["a"], "v36"));

    private static Task<string> RunAsync(string script) =>
        new SessionShell(Path.GetTempPath(), Path.GetTempPath(), "name").RunAsync("x.session", SessionScript.Read(script.Split('\n'), "v36"));
}
