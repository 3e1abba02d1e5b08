namespace Serval.FunctionalTests.Sessions;

/// <summary>
/// Sessions of unmodified kubectl and helm. What the files expect is what a Kubernetes API server of 1.36 answers, and Knative's; nothing of it is there because
/// this server prints it, but in lines that name Serval: its version, and the context, cluster and user of its kubeconfig.
/// </summary>
public sealed class SessionTests(SessionFixture fixture) : IClassFixture<SessionFixture>
{
    public static TheoryData<string, string> Sessions
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var (session, version) in SessionFixture.All)
            {
                data.Add(session, version);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Sessions))]
    public async Task Session_WithARealClient_ReadsAsExpected(string session, string version)
    {
        var wrong = await fixture.WrongAsync(session, version);
        Assert.True(wrong.Length == 0, wrong);
    }
}
