"""The invariants of the README's reliability section, judged from the outside: every function returns what is wrong."""
import collections
import hashlib
import re

from storm.changes import Rights, qualified, read, shown
from storm.evidence import field
from storm.plan import BODY_SECRET
from storm.site import DOMAIN, PARKING, SITE


class Judge:
    def __init__(self, evidence):
        self.evidence = evidence
        self.state = evidence.state
        self.changes = read(evidence)
        self.rights = Rights(evidence, self.changes)
        self.servers = [s for s in self.state["servers"] if s["metadata"].get("cirrata_site") == SITE]
        volumes = [v for v in self.state["volumes"] if v["metadata"].get("cirrata_site") == SITE]
        # The cloud refuses to delete these (a planned fault); whoever meets one leaves it and says so.
        self.stuck = [volume for volume in volumes if volume["status"] == "error_deleting"]
        self.volumes = [volume for volume in volumes if volume["status"] != "error_deleting"]
        self.nodes = {node["name"].split(".")[0]: node for node in self.state["nodes"]}
        self.answers = collections.defaultdict(list)
        for reply in evidence.replies:
            self.answers[field(reply, "key")].append(field(reply, "outcome"))
        self.jobs = collections.defaultdict(list)
        for job in evidence.jobs:
            self.jobs[evidence.key(job)].append(job)
        self.committed = self.find_commits()
        # What was left on purpose, and is named so: {key}.
        self.left = {
            field(report, "key") for report in evidence.reports
            if field(report, "outcome") in ("removal-incomplete", "suspect")}

    def find_commits(self):
        """{key: the change that was its commit point}."""
        commits = {}
        for change in self.changes:
            if change.service == "paddles" and change.worked and change.worker and (change.asked or {}).get("os_type"):
                for hold in self.rights.at(change):
                    if self.evidence.jobs[hold.job].action == "provision":
                        commits.setdefault(self.rights.key(hold), change)
        return commits

    def verdicts(self):
        yield "I1", "every job put is accounted for", self.i1()
        yield "I2", "what is done is whole: server, volumes, DNS, paddles", self.i2()
        yield "I3", "what is not done has left nothing", self.i3()
        yield "I4", "never two servers of a node; nothing foreign was touched", self.i4()
        yield "I5", "no change was begun without a lease", self.i5()
        yield "I6", "no secret was written anywhere", self.i6()
        yield "I7", "no job destroyed what a newer one made", self.i7()
        yield "I8", "after its commit a provision removed nothing", self.i8()

    def i1(self):
        wrong = [f"{tube} is not at rest: {count}" for tube, count in self.evidence.waiting.items()]
        for key, jobs in self.jobs.items():
            answers = self.answers[key]
            wants = sum(b"reply_to" in self.evidence.jobs[job].raw for job in jobs)
            if len(answers) < wants:
                wrong.append(f"{key}: {wants} jobs, the replies are {answers}")
            for job in jobs:
                stats = self.evidence.buried.get(job)
                if stats is None:
                    continue
                if stats["state"] != "buried":
                    wrong.append(f"{key}: job {job} is {stats['state']}: {stats}")
                elif not self.has_report(job):
                    wrong.append(f"{key}: job {job} is buried without a report")
        return wrong

    def has_report(self, job):
        digest = hashlib.sha256(self.evidence.jobs[job].raw).hexdigest()
        return any(
            field(report, "id") == str(job) and field(report, "digest") == digest for report in self.evidence.reports)

    def i2(self):
        wrong = []
        alive = {server["id"] for server in self.servers}
        gone = {change.resource for change in self.changes if change.method == "DELETE" and change.worked}
        for server in self.servers:
            wrong += self.incomplete(server)
        for key, commit in self.committed.items():
            made = [c.made for c in self.changes if c.service == "compute" and c.made and c.key == key and c.worked]
            if made and not any(server in alive for server in made) and not any(server in gone for server in made):
                wrong.append(f"{key} was committed by {commit} and its servers {made} vanished")
        for key, answers in self.answers.items():
            is_provision = any(self.evidence.jobs[job].action == "provision" for job in self.jobs.get(key, []))
            if is_provision and "done" in answers and key not in self.committed:
                wrong.append(f"{key} was answered done and was never committed")
        return wrong

    def incomplete(self, server):
        """What is wrong around a server of ours that exists."""
        node, key = server["metadata"]["cirrata_node"], server["metadata"]["cirrata_key"]
        if key in self.left:
            return []
        wrong = []
        job = next((self.evidence.jobs[job] for job in self.jobs.get(key, [])), None)
        if job is None:
            return [f"{node}: server {server['id']} is of {key}, which nobody put"]
        if key not in self.committed:
            return [f"{node}: server {server['id']} of {key} is left, which was never committed: {self.answers[key]}"]
        if server["status"] != "ACTIVE":
            wrong.append(f"{node}: server {server['id']} is {server['status']}")
        count = job.body.get("volumes", {}).get("count", 0)
        volumes = [v for v in self.volumes if v["metadata"]["cirrata_key"] == key]
        good = [v for v in volumes if v["status"] == "in-use" and v["server"] == server["id"]]
        names = sorted(v["name"] for v in good)
        if len(volumes) != count or names != [f"{node}_{index}" for index in range(count)]:
            wrong.append(f"{node}: {count} volumes were wanted, there are {shown(volumes)}")
        address, record = server["addresses"][0], self.nodes[node]
        if self.dns(node) != [address["address"]]:
            wrong.append(f"{node}: DNS says {self.dns(node)}, the server of {key} has {address['address']}")
        if record["mac_address"] != address["mac"] or not record["os_type"] or not record["up"]:
            wrong.append(f"{node}: paddles does not describe the server of {key}: {shown(record)}")
        if record["locked"] and record["locked_by"] != job.owner:
            wrong.append(f"{node}: is locked by {record['locked_by']}, its server was built for {job.owner}")
        return wrong

    def dns(self, node):
        return [record.split()[1] for record in self.state["dns"]["records"].get(qualified(node), [])]

    def i3(self):
        wrong = []
        logs = [text for name, text in self.evidence.logs() if name.startswith("w")]
        for volume in self.stuck:
            if not any(f"{volume['id']}) is error_deleting" in text for text in logs):
                wrong.append(f"volume {volume['name']} {volume['id']} is error_deleting, and nobody said so")
        alive = {server["metadata"]["cirrata_node"] for server in self.servers}
        keys = {server["metadata"]["cirrata_key"] for server in self.servers}
        for volume in self.volumes:
            key = volume["metadata"]["cirrata_key"]
            if key not in keys and key not in self.left:
                wrong.append(f"volume {volume['name']} {volume['id']} of {key} is left without a server: {self.answers[key]}")
        left = {thing["metadata"]["cirrata_node"] for thing in self.servers + self.volumes
                if thing["metadata"]["cirrata_key"] in self.left}
        for node, record in self.nodes.items():
            # paddles keeps the description of a lock that is gone.
            if record["locked"] and (record["description"] or "").startswith("cirrata:"):
                if record["description"].removeprefix("cirrata:") not in self.left:
                    wrong.append(f"{node}: is still locked by us: {record['description']}")
            if node in alive or node in left:
                continue
            if record["mac_address"] or record["os_type"]:
                wrong.append(f"{node}: has no server, and paddles says {shown(record)}")
            if self.dns(node) not in ([], [PARKING]):
                wrong.append(f"{node}: has no server, and DNS says {self.dns(node)}")
        return wrong

    def i4(self):
        wrong = []
        for node, count in collections.Counter(s["metadata"]["cirrata_node"] for s in self.servers).items():
            if count > 1:
                wrong.append(f"{node} has {count} servers: {[s['id'] for s in self.servers if s['metadata']['cirrata_node'] == node]}")
        things = {thing["id"]: thing for thing in self.state["servers"] + self.state["volumes"]}
        for key, count in collections.Counter(s["metadata"]["cirrata_key"] for s in self.servers).items():
            if count > 1:
                wrong.append(f"{key} has {count} servers")
        for number, before in self.evidence.site.foreign.items():
            if things.get(number) != before:
                wrong.append(f"{before['name']} {number} was not ours and is now {shown(things.get(number))}")
            for change in self.changes:
                if number in change.path:
                    wrong.append(f"{change} is about {before['name']}, which is not ours")
        known = set(self.jobs)
        for thing in self.servers + self.volumes:
            if thing["metadata"]["cirrata_key"] not in known:
                wrong.append(f"{thing['name']} {thing['id']} is of {thing['metadata']['cirrata_key']}, which nobody put")
        return wrong

    def i5(self):
        wrong = []
        for change in self.changes:
            if change.worker is None:
                wrong.append(f"{change} was sent by nobody that the wires know")
            elif not self.rights.at(change):
                wrong.append(
                    f"{change} ({change.node}, {change.key}) left {change.worker.name} without a lease; its holds of "
                    f"that node, in seconds before: {self.rights.story(change)}")
        return wrong

    def i6(self):
        wrong = []
        secrets = self.evidence.site.secrets | {BODY_SECRET}
        texts = list(self.evidence.logs())
        texts += [(f"reply {number}", text) for number, text in enumerate(self.evidence.replies)]
        texts += [(f"report {number}", text) for number, text in enumerate(self.evidence.reports)]
        texts.append(("the process list", "\n".join(self.evidence.arguments)))
        finder = re.compile("|".join(re.escape(secret) for secret in sorted(secrets)))
        for name, text in texts:
            match = finder.search(text)
            if match:
                line = text[text.rfind("\n", 0, match.start()) + 1:match.end()]
                wrong.append(f"{name} holds a secret: …{line[-200:-len(match[0])]}{match[0][:6]}…")
        if len(secrets) < 5:
            wrong.append("hardly a secret was seen on the wires: nothing was proved")
        return wrong

    def destructions(self):
        """Deletions of servers and volumes that are known, with the holds in whose right they were sent."""
        for change in self.changes:
            if change.method == "DELETE" and change.key and change.job and change.worker:
                holds = self.rights.at(change)
                if holds:
                    yield change, holds

    def i7(self):
        return [
            f"{change} took {change.node}'s {change.key} (job {change.job}) away for older jobs: "
            f"{[(hold.job, self.rights.key(hold)) for hold in holds]}"
            for change, holds in self.destructions()
            if all(hold.job < change.job and self.rights.key(hold) != change.key for hold in holds)]

    def i8(self):
        wrong = []
        for change, holds in self.destructions():
            commit = self.committed.get(change.key)
            if (commit is None or change.number < commit.number or change.resource in self.superfluous(change.key)
                    or any(self.rights.key(hold) != change.key for hold in holds)):
                continue
            wrong.append(f"{change} took a resource of {change.key} away, which had been committed by {commit}")
        return wrong

    def superfluous(self, key):
        """What was made for a committed job and is no part of what was committed: of an equal job that was slower."""
        mac = self.committed[key].asked.get("mac_address")
        made = [change for change in self.changes if change.made and change.key == key and change.worked]
        servers = [change for change in made if change.service == "compute" and change.resource == change.made]
        if len(servers) < 2:
            return set()
        # The server of that MAC is seen in the end, or was taken away by a newer job: then nobody can tell.
        kept = {server["id"] for server in self.servers if any(a["mac"] == mac for a in server["addresses"])}
        if not kept:
            return {change.made for change in made}
        volumes = {volume["id"] for volume in self.volumes if volume["server"] in kept}
        return {change.made for change in made} - kept - volumes

    def outcomes(self):
        return collections.Counter(outcome for answers in self.answers.values() for outcome in answers)
