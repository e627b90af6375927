"""The part of paddles that knows runs and their jobs, which the Sandbox lacks: what teuthology reports is given back."""
import datetime
import http.server
import json
import re
import threading

JOB = re.compile(r"/runs/([^/]+)/jobs/(?:([^/?]+)/?)?(?:\?.*)?$")


class Results:
    def __init__(self):
        self.jobs = {}
        results = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                job = JOB.match(self.path)
                if job is None:
                    # /nodes/NAME/jobs/: what a node was used for.
                    self.answer(200, [])
                elif job.groups() in results.jobs:
                    self.answer(200, results.jobs[job.groups()])
                else:
                    self.answer(404, {"message": f"there is no {self.path}"})

            def do_POST(self):
                run, _ = JOB.match(self.path).groups()
                told = self.told()
                if (run, told["job_id"]) in results.jobs:
                    return self.answer(400, {"message": f"job {told['job_id']} already exists"})
                results.jobs[run, told["job_id"]] = told
                self.answer(200, {"job_id": told["job_id"]})

            def do_PUT(self):
                results.jobs.setdefault(JOB.match(self.path).groups(), {}).update(self.told())
                self.answer(200, {})

            def told(self):
                now = datetime.datetime.now(datetime.timezone.utc)
                told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                return told | {"updated": now.strftime("%Y-%m-%d %H:%M:%S.%f")}

            def answer(self, status, value):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
